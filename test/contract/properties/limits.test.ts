import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_TEAM_BYTES, MAX_TEAM_OPTIONS, MAX_TEAM_PROPERTIES, OBJECT_TYPES } from '#libs/properties';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();
let caller: ApiClient;
let calls: PropertyCalls;

beforeEach(async () => {
  caller = await api.gateway.newCaller();
  calls = new PropertyCalls(caller);
});

/** Inserts properties of all object types in turns. */
async function insertProperties(count: number, name = 'Other'): Promise<void> {
  await api.gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     SELECT $1, ($3::text[])[1 + n % cardinality($3::text[])], gen_random_uuid(), 'other_' || n, 'num', $4 || n
       FROM generate_series(1, $2::integer) AS n`,
    [caller.teamId, count, OBJECT_TYPES, name],
  );
}

/** Inserts options of other properties. */
async function insertOptions(count: number): Promise<void> {
  await api.gateway.database.query(
    `INSERT INTO property_options (team_id, property_id, id, slug, value)
     SELECT $1, md5('property' || n / 500)::uuid, gen_random_uuid(), 'o' || n, 'O' FROM generate_series(1, $2::integer) AS n`,
    [caller.teamId, count],
  );
}

function expectConflict({ status, body }: ApiResponse, limit: number): void {
  expect([status, body.error?.code]).toEqual([409, 'property_conflict']);
  expect(body.error.message).toContain(String(limit));
}

async function importRow(level: string): Promise<any> {
  const body = { objects: [{ default: { name: 'A', level } }], options: { create_missing_options: true } };
  const response = await caller.call('POST', caller.path('organization/import'), { body });
  return response.body.results[0];
}

describe('the properties of a team', () => {
  it('are limited for all object types together, even if two are created at once', async () => {
    await insertProperties(MAX_TEAM_PROPERTIES - 1);
    const created = await Promise.all([
      calls.create({ name: 'Last', type: 'num' }),
      new PropertyCalls(caller, 'deal').create({ name: 'Last', type: 'num' }),
    ]);
    expect(created.map(({ status }) => status).sort()).toEqual([201, 409]);
    expectConflict(await calls.create({ name: 'One more', type: 'num' }), MAX_TEAM_PROPERTIES);
  });

  it('can be read, changed and deleted beyond the limit', async () => {
    await insertProperties(MAX_TEAM_PROPERTIES + 1);
    const { id } = await calls.find('other_9');
    expect((await caller.call('GET', caller.path('properties'))).status).toBe(200);
    expect((await calls.patch(id, { name: 'Renamed' })).status).toBe(200);
    expect((await calls.remove(id)).status).toBe(204);
    expectConflict(await calls.create({ name: 'One more', type: 'num' }), MAX_TEAM_PROPERTIES);
    expect((await calls.remove((await calls.find('other_18')).id)).status).toBe(204);
    expect((await calls.create({ name: 'One more', type: 'num' })).status).toBe(201);
  });
});

describe('the options of a team', () => {
  it('are limited for all properties together, however they are created', async () => {
    await insertOptions(MAX_TEAM_OPTIONS - 3);
    const select = { name: 'Level', type: 'select_str' };
    const values = (count: number): object[] => Array.from({ length: count }, (_, n) => ({ value: `V ${n}` }));
    expectConflict(await calls.create({ ...select, options: values(4) }), MAX_TEAM_OPTIONS);
    const { id } = await calls.define({ ...select, options: values(1) });
    expect((await calls.createOption(id, { value: 'Two' })).status).toBe(201);
    expect(await importRow('Three')).toMatchObject({ created: true, error: null });
    expectConflict(await calls.createOption(id, { value: 'Four' }), MAX_TEAM_OPTIONS);
    const message = expect.stringContaining(String(MAX_TEAM_OPTIONS)) as string;
    expect(await importRow('Four')).toMatchObject({ error: { code: 'unknown_option', message } });
    expect(await importRow('Two')).toMatchObject({ created: true, error: null });
  });

  it('can be read, changed and deleted beyond the limit', async () => {
    const { id, options } = await calls.define({ name: 'Level', type: 'select_str', options: [{ value: 'One' }] });
    await insertOptions(MAX_TEAM_OPTIONS);
    const [{ id: one }] = options;
    expect((await calls.find('level')).options).toHaveLength(1);
    expect((await calls.patchOption(id, one, { value: 'Two', sort_index: 3 })).status).toBe(200);
    expect((await calls.patch(id, { name: 'Rank' })).status).toBe(200);
    expect((await calls.removeOption(id, one)).status).toBe(204);
    expectConflict(await calls.createOption(id, { value: 'One' }), MAX_TEAM_OPTIONS);
    expect((await calls.remove(id)).status).toBe(204);
  });
});

it('the size of properties and options is limited: names can then only be replaced by shorter ones', async () => {
  const { id, options } = await calls.define({ name: 'Level', type: 'select_str', options: [{ value: 'One' }] });
  const each = 1_900;
  await insertProperties(each, 'x'.repeat(Math.ceil(MAX_TEAM_BYTES / each) - 250));
  await insertOptions(1_500);
  const [{ id: one }] = options;
  expectConflict(await calls.create({ name: 'Other', type: 'num' }), MAX_TEAM_BYTES);
  expectConflict(await calls.createOption(id, { value: 'Two' }), MAX_TEAM_BYTES);
  expectConflict(await calls.patch(id, { name: 'Longer level' }), MAX_TEAM_BYTES);
  expectConflict(await calls.patchOption(id, one, { value: 'Longer' }), MAX_TEAM_BYTES);
  expect((await calls.patch(id, { name: 'Rank' })).status).toBe(200);
  expect((await calls.patchOption(id, one, { value: '1' })).status).toBe(200);
  expect(await importRow('Two')).toMatchObject({ error: { code: 'unknown_option' } });
  expect((await calls.remove(id)).status).toBe(204);
});
