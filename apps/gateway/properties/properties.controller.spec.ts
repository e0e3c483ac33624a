import 'reflect-metadata';
import { Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ErrorFilter } from '#libs/errors';
import { NO_USAGE, OBJECT_TYPES, type PropertyDefinition, PropertyDefinitionService } from '#libs/properties';
import type { RequestContext } from '../http/request.context';
import type { RequestPermits } from '../http/request.permits';
import { PropertiesController } from './properties.controller';

const TEAM = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';

const service: Pick<PropertyDefinitionService, 'definitionsOf' | 'usageOf'> = {
  usageOf: () => Promise.resolve(NO_USAGE),
  definitionsOf: (teamId, objectType) => Promise.resolve(teamId === TEAM ? [definition(objectType)] : []),
};

/** Runs computations at once. */
const permits = {
  computeAsync: (_stage, _bytes, step) => {
    while (step());
    return Promise.resolve();
  },
} as Partial<RequestPermits> as RequestPermits; // nothing else is called

@Module({
  controllers: [PropertiesController],
  providers: [{ provide: PropertyDefinitionService, useValue: service }],
})
class TestModule {}

function definition(objectType: string): PropertyDefinition {
  return {
    id: `id of ${objectType}`,
    slug: 'name',
    type: 'str',
    name: 'Name',
    required: false,
    native: true,
    locked: false,
    list_id: null,
    lookup: 'none',
    lookup_state: null,
    options: [],
  };
}

describe('PropertiesController', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    app = await NestFactory.create<NestFastifyApplication>(TestModule, new FastifyAdapter());
    app.useGlobalFilters(new ErrorFilter());
    const fastify = app.getHttpAdapter().getInstance();
    fastify.addHook('onRequest', (request, _reply, done) => {
      const principal = { keyId: 'k', clientId: 'c', clientName: 'n', teamId: TEAM, scopes: new Set(), limits: {} };
      request.requestContext = { principal, permits } as Partial<RequestContext> as RequestContext; // nothing else is read
      done();
    });
    await app.init();
    await fastify.ready();
  });

  afterAll(() => app.close());

  async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
    const { statusCode, body } = await app.inject({ method: 'GET', url: `/v2/prism/${TEAM.toUpperCase()}${path}` });
    return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> }; // every response is an object
  }

  it('lists the definitions of a team by object type and id', async () => {
    const { status, body } = await get('/properties');
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([...OBJECT_TYPES]);
    expect(body.event).toEqual({ 'id of event': definition('event') });
  });

  it('lists the definitions of one object type under its name only', async () => {
    const response = await get('/deal/properties');
    expect(response).toEqual({ status: 200, body: { deal: { 'id of deal': definition('deal') } } });
  });

  it('responds 404 for an unknown object type', async () => {
    const { status, body } = await get('/person/properties');
    expect(status).toBe(404);
    expect(body.error).toMatchObject({ code: 'not_found', message: expect.stringContaining('organization') as string });
  });
});
