import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient, ApiResponse } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;
const list = randomUUID();
const ids: Record<string, string> = {};

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  const records: Record<string, object> = {
    a: { default: { name: 'Acme', stage: 'won', employees: 250, founded_on: '1999-05-01', tags: ['eu', 'b2b'] } },
    b: { default: { name: 'Bolt', stage: 'lost', employees: 9, founded_on: '1999-05-01T02:00:00+02:00' } },
    c: { default: { name: 'acorn', employees: 1000, tags: ['us'] } },
    d: { default: { name: 'Zed', stage: 'won', notes: 'a note' } },
  };
  for (const [key, content] of Object.entries(records)) ids[key] = await caller.create(content);
  ids.gone = await caller.create({ default: { name: 'Gone' } });
  await caller.call('POST', caller.path('organization/batch/delete'), { body: { ids: [ids.gone] } });
  await caller.create({ default: { full_name: 'Somebody' } }, 'contact');
  const other = await gateway.newCaller();
  await other.create();
});
afterAll(() => gateway.close());

/** The keys of the records that a query returns, in its order. */
async function found(query: object, more: object = {}): Promise<string> {
  const { status, text, body } = await send({ query: { select: ['name'], ...query }, ...more });
  expect(status, text).toBe(200);
  return keysOf(body.data);
}

function send(body: object): Promise<ApiResponse> {
  return caller.call('POST', caller.path('organization/query'), { body });
}

function keysOf(rows: { id: string }[]): string {
  return rows.map(({ id }) => Object.keys(ids).find((key) => ids[key] === id) ?? '?').join(' ');
}

it('returns the selected properties of the live records of this type and team, newest first', async () => {
  const { status, body } = await send({ query: { select: ['name', 'employees', 'created_at'] } });
  expect(status).toBe(200);
  expect(keysOf(body.data)).toBe('d c b a');
  expect(body).toMatchObject({ has_more: false, next_cursor: null });
  const created = expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/);
  expect(body.data[3]).toEqual({ id: ids.a, properties: { name: 'Acme', employees: 250, created_at: created } });
  expect(body.data[0].properties).toEqual({ name: 'Zed', created_at: created });
  expect(body).not.toHaveProperty('total');
});

it.each([
  [[{ name: { '=': 'Acme' } }], 'a'],
  [[{ name: { '!=': 'Acme' } }], 'd c b'],
  [[{ stage: { '!=': 'won' } }], 'c b'],
  [[{ employees: { '>': '9' } }], 'c a'],
  [[{ employees: { '>=': 9, '<': '1e3' } }], 'b a'],
  [[{ employees: { between: ['9', 250] } }], 'b a'],
  [[{ employees: { in: ['9', 1000] } }], 'c b'],
  [[{ employees: { not_in: ['9', 1000] } }], 'd a'],
  [[{ founded_on: { '=': '1999-05-01' } }], 'b a'],
  [[{ founded_on: { '<=': '1999-04-30T23:59:59Z' } }], ''],
  [[{ name: { contains: 'c' } }], 'c a'],
  [[{ name: { contains: ['c', 'm'] } }], 'a'],
  [[{ name: { not_contains: 'c' } }], 'd b'],
  [[{ name: { begins_with: 'A' } }], 'a'],
  [[{ name: { ends_with: 'lt' } }], 'b'],
  [[{ name: { '<': 'Zed' } }], 'b a'],
  [[{ notes: { exists: true } }], 'd'],
  [[{ notes: { exists: false } }], 'c b a'],
  [[{ notes: { is_null: true } }], 'c b a'],
  [[{ notes: { not_exists: 'false' } }], 'd'],
  [[{ notes: { is_not_null: '' } }], 'd'],
  [[{ tags: { '=': 'eu' } }], 'a'],
  [[{ tags: { contains: ['eu', 'b2b'] } }], 'a'],
  [[{ tags: { in: ['us', 'b2b'] } }], 'c a'],
  [[{ tags: { not_contains: 'eu' } }], 'd c b'],
  [[{ tags: { begins_with: 'e' } }], 'a'],
  [[{ tags: { ends_with: 's' } }], 'c'],
  [[{ created_at: { '>': '2020-01-01' } }], 'd c b a'],
  [[{ updated_at: { '<': '2020-01-01' } }], ''],
  [[{ updated_at: { is_null: true } }], ''],
  [[{ stage: { '=': 'won' } }, { employees: { exists: true } }], 'a'],
  [[{ stage: { '=': 'won' }, employees: { exists: true } }], 'a'],
  [[{ OR: [{ name: { '=': 'Acme' } }, { AND: [{ stage: { '=': 'lost' } }, { employees: { '<': 10 } }] }] }], 'b a'],
])('finds by %j: %s', async (filter, expected) => {
  expect(await found({ filter })).toBe(expected);
});

it('combines the filters by OR if it is the combinator', async () => {
  const filter = [{ name: { '=': 'Acme' } }, { stage: { '=': 'lost' } }];
  expect(await found({ filter, combinator: 'OR' })).toBe('b a');
  expect(await found({ filter: [], combinator: 'OR' })).toBe('d c b a');
});

it('takes options by their id', async () => {
  const { body } = await caller.call('GET', caller.path('organization/properties?term=stage'));
  const [stage] = Object.values<any>(body.organization);
  const won = stage.options.find(({ slug }: { slug: string }) => slug === 'won').id;
  for (const filter of [
    [{ stage: { '=': won } }],
    [{ stage: { in: [won.toUpperCase()] } }],
    [{ stage: { contains: won } }],
  ]) {
    expect(await found({ filter })).toBe('d a');
  }
});

it('finds by id', async () => {
  expect(await found({}, { id: ids.a?.toUpperCase() })).toBe('a');
  expect(await found({}, { id: [ids.a, ids.c, ids.gone, randomUUID()] })).toBe('c a');
  expect(await found({}, { id: [] })).toBe('');
  expect(await found({ filter: [{ id: { in: [ids.a, ids.b] } }] })).toBe('b a');
  expect(await found({ filter: [{ id: { '!=': ids.a } }] })).toBe('d c b');
});

it('sorts, with records without a value last, and then newest first', async () => {
  expect(await found({ sort: [{ employees: 'asc' }] })).toBe('b a c d');
  expect(await found({ sort: [{ employees: 'desc' }] })).toBe('c a b d');
  expect(await found({ sort: [{ stage: 'desc' }, { name: 'asc' }] })).toBe('a d b c');
  expect(await found({ sort: [{ name: 'asc' }] })).toBe('a b d c');
  expect(await found({ sort: [{ founded_on: 'asc' }] })).toBe('b a d c');
  expect(await found({ sort: [{ created_at: 'asc' }] })).toBe('a b c d');
  expect(await found({ sort: [{ id: 'asc' }] })).toBe('a b c d');
});

it('includes deleted records, with the time, only if it is asked for', async () => {
  const { body } = await send({ query: { select: ['name'] }, deleted: true });
  expect(keysOf(body.data)).toBe('gone d c b a');
  expect(body.data[0].deleted_at).toMatch(/^\d{4}-.*\.\d{3}Z$/);
  expect(body.data[1]).not.toHaveProperty('deleted_at');
});

it('returns the total of all pages only if it is asked for', async () => {
  const { body } = await send({
    query: { select: ['name'], filter: [{ stage: { exists: true } }], limit: 1 },
    include_total: true,
  });
  expect(body).toMatchObject({ has_more: true, total: 3 });
});

it('pages by cursor, which keeps the limit, or by number', async () => {
  for (const sort of [
    undefined,
    [{ employees: 'desc' }],
    [{ stage: 'asc' }, { name: 'desc' }],
    [{ created_at: 'asc' }],
  ]) {
    const query = { select: ['name'], ...(sort && { sort }) };
    const all = await found(query);
    const pages: string[] = [];
    let cursor: string | null = null;
    do {
      const position: object = cursor === null ? { limit: 3 } : { cursor, limit: 50 };
      const { body } = await send({ query: { ...query, ...position } });
      expect(body.has_more).toBe(body.next_cursor !== null);
      pages.push(keysOf(body.data));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(pages.map((page) => page.split(' ').length)).toEqual([3, 1]);
    expect(pages.join(' ')).toBe(all);
    expect(`${await found({ ...query, limit: 2, page: 1 })} ${await found({ ...query, limit: 2, page: 2 })}`).toBe(all);
    expect(await found({ ...query, limit: 2, page: 3 })).toBe('');
  }
});

it('takes the cursor beside the query, and prefers the one in it', async () => {
  const first = await send({ query: { select: ['name'], limit: 1 } });
  const second = await send({ query: { select: ['name'] }, cursor: first.body.next_cursor });
  expect(keysOf(second.body.data)).toBe('c');
  expect(await found({ cursor: second.body.next_cursor }, { cursor: first.body.next_cursor })).toBe('b');
});

it('scopes a query to a list, whose properties go first', async () => {
  await gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name, list_id)
     SELECT $1, 'organization', gen_random_uuid(), slug, type, slug, $2
       FROM (VALUES ('score', 'num'), ('notes', 'text')) AS property (slug, type)`,
    [caller.teamId, list],
  );
  const scoped = await gateway.newCaller({ teamId: caller.teamId, client: 'after the change' });
  await expect
    .poll(async () => (await scoped.update([{ id: ids.a, list: { [list]: { score: 7 } } }])).body.summary.succeeded, {
      timeout: 20_000,
    })
    .toBe(1);
  await scoped.update([{ id: ids.d, list: { [list]: { score: 11, notes: 'of the list' } } }]);
  const query = { select: ['name', 'score', 'notes'], list_id: list.toUpperCase(), sort: [{ score: 'desc' }] };
  const { body } = await send({ query, include_total: true });
  expect(body).toMatchObject({
    data: [
      { id: ids.d, properties: { name: 'Zed', score: 11, notes: 'of the list' } },
      { id: ids.a, properties: { name: 'Acme', score: 7 } },
    ],
    total: 2,
  });
  expect(await found({ list_id: list, filter: [{ score: { '>': 7 } }] })).toBe('d');
  expect(await found({ list_id: list, filter: [{ notes: { contains: 'list' } }] })).toBe('d');
  expect(await found({ list_id: randomUUID() })).toBe('');
});

it.each([101, 500])('returns %i selected properties, also in a list', async (count) => {
  const own = await gateway.newCaller();
  const slugs = Array.from({ length: count }, (_, n) => `p${n}`);
  await gateway.database.query(
    `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
     SELECT $1, 'organization', gen_random_uuid(), slug, 'str', slug FROM unnest($2::text[]) AS slug`,
    [own.teamId, slugs],
  );
  const properties = Object.fromEntries(slugs.map((slug) => [slug, `of ${slug}`]));
  await own.create({ default: { name: 'Acme', ...properties } });
  const query = await own.call('POST', own.path('organization/query'), { body: { query: { select: slugs } } });
  const list = await own.call('GET', own.path(`organization?select=${slugs.join(',')}`));
  for (const { status, text, body } of [query, list]) {
    expect(status, text).toBe(200);
    expect(body.data[0].properties).toEqual(properties);
  }
});

it('takes many conditions, on properties and columns', async () => {
  const many = Array.from({ length: 30 }, (_, n) => ({ name: { '!=': `not ${n}` } }));
  const time = { created_at: { '>': '2000-01-01' } };
  expect(await found({ filter: [...many, time, { stage: { '=': 'won' } }] })).toBe('d a');
  expect(await found({ filter: [...many, { OR: [{ id: { '=': ids.b } }, { tags: { '=': 'eu' } }] }] })).toBe('b a');
  expect(await found({ filter: [...many, { id: { '=': ids.c } }] })).toBe('c');
  expect(await found({ filter: [...many, { created_at: { '<': '2000-01-01' } }] })).toBe('');
  expect(await found({ filter: [{ OR: [{ id: { '=': ids.b } }, ...many] }] })).toBe('d c b a');
});

it('takes 2,000 values in one filter', async () => {
  const values = (value: string): string[] => Array.from({ length: 1_000 }, () => value);
  expect(await found({ filter: [{ name: { contains: values('c') } }, { name: { in: values('Acme') } }] })).toBe('a');
});

it('responds to a query with an Idempotency-Key with the present state', async () => {
  const headers = { 'idempotency-key': randomUUID() };
  const query = { query: { select: ['name'] } };
  const first = await caller.call('POST', caller.path('deal/query'), { body: query, headers });
  await caller.create({ default: { name: 'D' } }, 'deal');
  const second = await caller.call('POST', caller.path('deal/query'), { body: query, headers });
  expect([first.body.data.length, second.body.data.length]).toEqual([0, 1]);
  expect(second.headers).not.toHaveProperty('idempotent-replay');
});
