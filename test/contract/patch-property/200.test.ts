import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { LookupBuilder, PropertyDefinitionRepository } from '#libs/properties';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('changes name and required, and accepts what it cannot change if it is so already', async () => {
  const calls = new PropertyCalls(api.caller);
  const definition = await calls.define({ name: 'Score', type: 'num' });
  const { status, body } = await calls.patch(definition.id.toUpperCase(), {
    ...{ name: 'Rating', required: true },
    ...{ type: 'num', slug: 'score', list_id: null },
  });
  expect([status, body]).toEqual([200, { ...definition, name: 'Rating', required: true }]);
  expect(await calls.find('score')).toEqual(body);
  expect((await calls.patch(definition.id, {})).body).toEqual(body);
  expect((await calls.patch(definition.id, { name: 'RATING' })).body.name).toBe('RATING');
});

it('replays a change and a refusal byte for byte', async () => {
  const calls = new PropertyCalls(await api.gateway.newCaller());
  const { id } = await calls.define({ name: 'Score', type: 'num' });
  for (const [target, status] of [
    [id, 200],
    [randomUUID(), 404],
  ] as const) {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await calls.patch(target, { name: 'One' }, { headers });
    await calls.patch(id, { name: 'Two' });
    const second = await calls.patch(target, { name: 'One' }, { headers });
    expect([first.status, second.status, second.text]).toEqual([status, status, first.text]);
    expect(second.headers['idempotent-replay']).toBe('true');
    expect((await calls.find('score')).name).toBe('Two');
  }
});

it('adds, changes and removes a lookup, which is used only when it is built', async () => {
  const caller = await api.gateway.newCaller();
  const calls = new PropertyCalls(caller);
  const { id, lookup, lookup_state } = await calls.define({ name: 'External id', type: 'str' });
  expect([lookup, lookup_state]).toEqual(['none', null]);
  const record = await caller.create({ default: { name: 'Acme', external_id: 'a' } });
  const settings = readSettings({ DATABASE_URL: api.gateway.databaseUrl });
  const builder = new LookupBuilder(api.gateway.database, settings);
  const build = async (): Promise<string> => {
    while ((await builder.step(0)) !== undefined);
    return (await new PropertyDefinitionRepository(api.gateway.database).findByTeam(caller.teamId, 1_000))
      ?.definitions[0]?.lookup_state as string;
  };
  for (const [asked, state, built] of [
    ['indexed', 'building', 'ready'],
    ['unique', 'building', 'ready'],
    ['indexed', 'ready', 'ready'],
    ['none', null, null],
    ['unique', 'building', 'ready'],
  ] as const) {
    const { status, body } = await calls.patch(id, { lookup: asked });
    expect([status, body.lookup, body.lookup_state]).toEqual([200, asked, state]);
    expect((await calls.patch(id, { lookup: asked })).body).toEqual(body);
    expect((await caller.call('GET', caller.path('organization/by/external_id/a'))).body.id).toBe(record);
    expect(await build()).toBe(built);
    await calls.patch(id, {}); // the gateway forgets the definitions
    expect((await calls.find('external_id')).lookup_state).toBe(built);
    expect((await caller.call('GET', caller.path('organization/by/external_id/a'))).body.id).toBe(record);
  }
  const again = { default: { name: 'Again', external_id: 'a' } };
  expect((await caller.call('POST', caller.path('organization'), { body: again })).body.error.code).toBe('conflict');
});

it('verifies a unique lookup again that has failed, when it is asked for again', async () => {
  const caller = await api.gateway.newCaller();
  const calls = new PropertyCalls(caller);
  const { id } = await calls.define({ name: 'External id', type: 'str', lookup: 'unique' });
  await api.gateway.database.query("UPDATE property_definitions SET lookup_state = 'failed' WHERE id = $1", [id]);
  await calls.patch(id, {});
  expect((await calls.find('external_id')).lookup_state).toBe('failed');
  expect((await calls.patch(id, { name: 'Id' })).body.lookup_state).toBe('failed');
  expect((await calls.patch(id, { lookup: 'unique' })).body.lookup_state).toBe('building');
});
