import { afterAll, beforeAll, expect, it } from 'vitest';
import { OBJECT_TYPES } from '#libs/properties';
import type { ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';
import { PropertyCalls } from '../../support/property.calls';

let gateway: TestGateway;
let caller: ApiClient;
let won: string;
let lost: string;
let deleted: string;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  won = await caller.create({
    default: { name: 'Acme', stage: 'won', employees: 250, tags: ['eu'] },
    extended: { a: 1 },
  });
  lost = await caller.create({ default: { name: 'Bolt, Inc', stage: 'lost', employees: 9 } });
  deleted = await caller.create({ default: { name: 'Gone' } });
  await caller.call('POST', caller.path('organization/batch/delete'), { body: { ids: [deleted] } });
});
afterAll(() => gateway.close());

async function list(query: string, object = 'organization'): Promise<any> {
  const { status, text, body } = await caller.call('GET', caller.path(`${object}${query}`));
  expect(status, text).toBe(200);
  return body;
}

const idsOf = ({ data }: { data: { id: string }[] }): string[] => data.map(({ id }) => id);

it('returns the live records with all their properties, newest first', async () => {
  const time = expect.stringMatching(/\.\d{3}Z$/);
  expect(await list('')).toEqual({
    data: [
      { id: lost, properties: { name: 'Bolt, Inc', stage: 'lost', employees: 9, created_at: time, updated_at: time } },
      {
        id: won,
        properties: { name: 'Acme', stage: 'won', employees: 250, tags: ['eu'], created_at: time, updated_at: time },
      },
    ],
    has_more: false,
    next_cursor: null,
  });
});

it.each([
  ['?stage=won', () => [won]],
  ['?stage=won,lost', () => [lost, won]],
  ['?stage=won&stage=lost', () => [lost, won]],
  ['?stage=won&employees=9', () => []],
  ['?employees=250.0', () => [won]],
  ['?tags=eu,us', () => [won]],
  ['?sort=name', () => [won, lost]],
  ['?sort=-employees,name', () => [won, lost]],
  ['?sort=created_at', () => [won, lost]],
  ['?deleted=true', () => [deleted, lost, won]],
  ['?deleted=false', () => [lost, won]],
  ['?limit=51', () => [lost, won]],
  ['?limit=1', () => [lost]],
  ['?list_id=182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e', () => []],
])('takes %s', async (query, expected) => {
  expect(idsOf(await list(query))).toEqual(expected());
});

it('filters by id', async () => {
  expect(idsOf(await list(`?id=${won}`))).toEqual([won]);
  expect(idsOf(await list(`?id=${won},${lost}`))).toEqual([lost, won]);
});

it('selects properties and counts all pages', async () => {
  const body = await list('?select=name,stage&select=employees&limit=1&include_total=true');
  expect(body.data).toEqual([{ id: lost, properties: { name: 'Bolt, Inc', stage: 'lost', employees: 9 } }]);
  expect(body.total).toBe(2);
  const next = await list(`?select=name&cursor=${body.next_cursor}`);
  expect(next).toEqual({ data: [{ id: won, properties: { name: 'Acme' } }], has_more: false, next_cursor: null });
});

it('takes a cursor of the same query in the query language', async () => {
  const { next_cursor } = await list('?stage=won,lost&limit=1');
  const query = { select: ['name'], filter: [{ stage: { in: ['won', 'lost'] } }], cursor: next_cursor };
  const { body } = await caller.call('POST', caller.path('organization/query'), { body: { query } });
  expect(body.data).toEqual([{ id: won, properties: { name: 'Acme' } }]);
});

it('has no body for HEAD', async () => {
  const { status, text } = await caller.call('HEAD', caller.path('organization'));
  expect([status, text]).toEqual([200, '']);
});

it.each(OBJECT_TYPES)('lists, queries and counts the type %s', async (object) => {
  const other = await gateway.newCaller();
  const slug = object === 'comment' ? 'body' : object === 'contact' || object === 'identity' ? 'full_name' : 'name';
  const id = await other.create({ default: { [slug]: 'A value' } }, object);
  const listed = await other.call('GET', other.path(`${object}?${slug}=A%20value&select=${slug}`));
  expect(listed.body.data).toEqual([{ id, properties: { [slug]: 'A value' } }]);
  const body = { query: { select: [slug], filter: [{ [slug]: { begins_with: 'A ' } }] } };
  const queried = await other.call('POST', other.path(`${object}/query`), { body });
  expect(queried.body.data).toEqual(listed.body.data);
  expect((await other.call('GET', other.path(`${object}/count`))).body).toEqual({ total: 1 });
});

it('a list that repeats follows the records and the property definitions', async () => {
  const other = await gateway.newCaller();
  const properties = new PropertyCalls(other);
  const { id: propertyId, slug } = await properties.define({ name: 'Floor', type: 'str' });
  const path = other.path(`organization?${slug}=2&select=${slug}`);
  const statusAndIds = async (): Promise<unknown> => {
    const { status, body } = await other.call('GET', path);
    return [status, body.data?.map(({ id }: { id: string }) => id)];
  };
  expect(await statusAndIds()).toEqual([200, []]);
  const id = await other.create({ default: { name: 'Acme', [slug]: '2' } });
  expect(await statusAndIds()).toEqual([200, [id]]);
  await other.update([{ id, default: { [slug]: null } }]);
  expect(await statusAndIds()).toEqual([200, []]);
  expect((await properties.remove(propertyId)).status).toBe(204);
  expect(await statusAndIds()).toEqual([400, undefined]);
});
