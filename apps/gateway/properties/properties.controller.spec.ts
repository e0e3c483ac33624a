import 'reflect-metadata';

import { describe, expect, it } from 'vitest';

import type { Principal } from '#libs/auth';
import { type ObjectType, objectTypes, type PropertyDefinition, PropertyDefinitionService } from '#libs/properties';

import { PropertiesController } from './properties.controller';

const TEAM = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';

function definition(objectType: ObjectType): PropertyDefinition {
  return {
    id: `id of ${objectType}`,
    slug: 'name',
    type: 'str',
    name: 'Name',
    required: false,
    native: true,
    locked: false,
    list_id: null,
    options: [],
  };
}

const service: Pick<PropertyDefinitionService, 'definitionsOf'> = {
  definitionsOf: (teamId, objectType) => Promise.resolve(teamId === TEAM ? [definition(objectType)] : []),
};
const controller = new PropertiesController(service as PropertyDefinitionService); // all that it uses of it

describe('property definitions', () => {
  it('of a team come by object type, then by id', async () => {
    const caller: Principal = { keyId: 'k', clientId: 'c', clientName: 'n', teamId: TEAM, scopes: new Set() };
    const definitions = await controller.ofTeam(caller);
    expect(Object.keys(definitions)).toEqual([...objectTypes]);
    expect(definitions.event).toEqual({ 'id of event': definition('event') });
  });

  it('of an object type come under its name only', async () => {
    expect(await controller.ofObjectType({ teamId: TEAM, objectType: 'deal' })).toEqual({
      deal: { 'id of deal': definition('deal') },
    });
  });
});
