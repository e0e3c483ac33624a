import { Logger } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { BUILT_IN_DEFINITIONS } from './built-in.definitions';
import type { DefinitionRow } from './property-definition.repository';
import { TeamProperties } from './team.properties';

const LIST = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';
const TIER = 'c0000000-0000-4000-8000-000000000001';
const GOLD = 'c0000000-0000-4000-8000-000000000002';

function row(rest: Partial<DefinitionRow>): DefinitionRow {
  return {
    object_type: 'organization',
    id: TIER,
    slug: 'tier',
    type: 'select_str',
    name: 'Tier',
    required: false,
    native: false,
    locked: false,
    list_id: null,
    lookup: 'none',
    lookup_state: null,
    ...rest,
  };
}

describe('TeamProperties', () => {
  it('has the built-in definitions if the team defined none', () => {
    const team = new TeamProperties({ definitions: [], options: [] }, 'reject');
    expect(team.definitionsOf('deal')).toEqual(BUILT_IN_DEFINITIONS.get('deal'));
  });

  it('includes the definitions of the team with their options', () => {
    const options = [{ property_id: TIER, id: GOLD, slug: 'gold', value: 'Gold' }];
    const team = new TeamProperties({ definitions: [row({})], options }, 'reject');
    expect(team.definitionsOf('organization').at(-1)).toEqual({
      id: TIER,
      slug: 'tier',
      type: 'select_str',
      name: 'Tier',
      required: false,
      native: false,
      locked: false,
      list_id: null,
      lookup: 'none',
      lookup_state: null,
      options: [{ id: GOLD, slug: 'gold', value: 'Gold' }],
    });
    expect(team.validatorOf('organization').patch({ default: { tier: GOLD } })).toMatchObject({
      change: { set: { tier: 'gold' } },
    });
    expect(team.validatorOf('contact').patch({ default: { tier: GOLD } })).toMatchObject({ code: 'unknown_property' });
  });

  it('applies a list property only in the block of its list', () => {
    const team = new TeamProperties({ definitions: [row({ type: 'num', list_id: LIST })], options: [] }, 'reject');
    const validator = team.validatorOf('organization');
    expect(validator.patch({ list: { [LIST]: { tier: 1 } } })).toMatchObject({ change: { list: { [LIST]: {} } } });
    expect(validator.patch({ default: { tier: 1 } })).toMatchObject({ code: 'unknown_property' });
  });

  it('includes options that the team added to a built-in definition', () => {
    const stage = BUILT_IN_DEFINITIONS.get('organization')?.find(({ slug }) => slug === 'stage');
    const options = [{ property_id: stage?.id ?? '', id: GOLD, slug: 'paused', value: 'Paused' }];
    const team = new TeamProperties({ definitions: [], options }, 'reject');
    expect(team.validatorOf('organization').patch({ default: { stage: 'paused' } })).toHaveProperty('change');
    expect(team.validatorOf('organization').patch({ default: { stage: 'won' } })).toHaveProperty('change');
  });

  it('does not let a definition of the team replace a built-in one', () => {
    const team = new TeamProperties({ definitions: [row({ slug: 'created_at', type: 'str' })], options: [] }, 'accept');
    expect(team.validatorOf('organization').patch({ default: { created_at: 'x' } })).toMatchObject({
      code: 'invalid_property',
    });
  });

  it('compiles each validator once', () => {
    const team = new TeamProperties({ definitions: [], options: [] }, 'reject');
    expect(team.validatorOf('deal')).toBe(team.validatorOf('deal'));
  });

  it('makes definitions of an unsupported type read-only and logs one warning about them', () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const definitions = [row({ type: 'color', required: true }), row({ id: GOLD, slug: 'size', type: 'num' })];
    const team = new TeamProperties({ definitions, options: [] }, 'reject');
    expect(warn.mock.calls).toEqual([[expect.objectContaining({ definitions: 1, property_ids: [TIER] })]]);
    warn.mockRestore();

    const tier = team.definitionsOf('organization').find(({ slug }) => slug === 'tier');
    expect(tier).toMatchObject({ type: 'jsonb', locked: true, unsupportedType: 'color' });
    const validator = team.validatorOf('organization');
    for (const value of ['red', null, { _op: 'append', values: [] }]) {
      expect(validator.patch({ default: { tier: value } })).toMatchObject({
        code: 'invalid_property',
        errors: [{ field: '.default.tier', message: expect.stringContaining('does not support its type') as string }],
      });
    }
    expect(validator.patch({ default: { size: 4 } })).toMatchObject({ change: { set: { size: 4 } } });
    expect(validator.create({ default: { name: 'Acme' } })).toHaveProperty('change');
  });
});
