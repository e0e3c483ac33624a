import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { OBJECT_TYPES } from '#libs/properties';
import { Instruments } from '#libs/telemetry';
import type { ApiResponse } from '../../support/api.client';
import { etagOf } from '../../support/etags';
import { useGateway } from '../../support/gateway.hooks';
import { sampleOf } from '../../support/sample.records';

const api = useGateway();

function send(items: unknown[], options?: object, headers = {}, object = 'organization'): Promise<ApiResponse> {
  const body = options === undefined ? { items } : { items, options };
  return api.caller.call('POST', api.caller.path(`${object}/batch`), { body, headers });
}

async function countOf(name: string): Promise<number> {
  const { rows } = await api.gateway.database.query<{ count: number }>(
    "SELECT count(*)::integer FROM records WHERE team_id = $1 AND properties ->> 'name' = $2",
    [api.caller.teamId, name],
  );
  return rows[0]?.count ?? NaN;
}

function effectsOf({ body }: ApiResponse): string[] {
  return body.results.map((result: any) => result.effect ?? result.error.code);
}

it.each(OBJECT_TYPES)('applies the operation of each item, in order: %s', async (object) => {
  const id = await api.caller.create(sampleOf(object), object);
  const { status, body } = await send(
    [
      { op: 'create', ref: 'new', ...sampleOf(object), extended: { a: 1 } },
      { op: 'update', id, extended: { b: 2 } },
      { op: 'delete', ref: 'gone', id },
      { op: 'update', id, extended: { b: 3 } },
      { op: 'restore', id: id.toUpperCase() },
      { op: 'restore', id },
    ],
    undefined,
    {},
    object,
  );
  expect(status).toBe(200);
  const newId = body.results[0].id;
  expect(body.results).toMatchObject([
    { ref: 'new', status: 'ok', effect: 'created', etag: etagOf(1), record: { id: newId, extended: { a: 1 } } },
    { id, effect: 'updated', etag: etagOf(2) },
    { id, ref: 'gone', effect: 'deleted', etag: etagOf(3) },
    { id, error: { code: 'not_found' } },
    { id, effect: 'restored', etag: etagOf(4), record: { extended: { b: 2 } } },
    { id, effect: 'unchanged', etag: etagOf(4) },
  ]);
  expect(body.summary).toEqual({ total: 6, succeeded: 5, failed: 1 });
  expect((await api.caller.read(newId, object)).record).toEqual(body.results[0].record);
});

it.each([
  ['a batch without a key', false, 3],
  ['a batch with a key', true, 3],
  ['one item without a key', false, 1],
  ['one item with a key', true, 1],
])('gives every new record another id: %s', async (_, keyed, count) => {
  const name = randomUUID();
  const headers = keyed ? { 'idempotency-key': randomUUID() } : {};
  const items = Array.from({ length: count }, () => ({ op: 'create', default: { name } }));
  const first = await send(items, undefined, headers);
  const second = await send(items, undefined, headers);
  const ids = first.body.results.map(({ id }: { id: string }) => id);
  expect(new Set(ids).size).toBe(count);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(await countOf(name)).toBe(keyed ? count : 2 * count);
  if (keyed) expect([second.text, second.headers['idempotent-replay']]).toEqual([first.text, 'true']);
  // In the order of the items.
  expect(ids.toSorted()).toEqual(ids);
});

it('returns a failed create without an id', async () => {
  const items = [
    { op: 'create', ref: 'a', default: { location: 'Bern' } },
    { op: 'create', ref: 'b', id: randomUUID(), default: { name: 'A' } },
    { op: 'create', ref: 'c', default: { name: 'A', employees: 'many' } },
    { op: 'create', ref: 'd' },
  ];
  for (const headers of [{}, { 'idempotency-key': randomUUID() }]) {
    const { body } = await send(items, undefined, headers);
    expect(body.results).toMatchObject([
      { id: null, ref: 'a', error: { code: 'required_property', errors: [{ field: '.default.name' }] } },
      { id: null, ref: 'b', error: { code: 'invalid_item', errors: [{ field: '.id', code: 'unknown_field' }] } },
      { id: null, ref: 'c', error: { code: 'invalid_property', errors: [{ field: '.default.employees' }] } },
      { id: null, ref: 'd', error: { code: 'invalid_item', errors: [{ field: '.default', code: 'required' }] } },
    ]);
  }
});

it.each([
  ['no object', 1, null, '', 'invalid_item'],
  ['no op', { id: randomUUID() }, undefined, '.op', 'invalid_item'],
  ['an unknown op', { op: 'upsert', id: 'x' }, null, '.op', 'invalid_item'],
  ['a delete without an id', { op: 'delete' }, null, '.id', 'invalid_item'],
  ['a delete with a block', { op: 'delete', id: randomUUID(), default: {} }, undefined, '.default', 'invalid_item'],
  [
    'a restore with a malformed if_match',
    { op: 'restore', id: randomUUID(), if_match: '1' },
    undefined,
    '.if_match',
    'invalid_item',
  ],
  [
    'a create with if_match',
    { op: 'create', if_match: '*', default: { name: 'A' } },
    null,
    '.if_match',
    'invalid_item',
  ],
])('is an item error: %s', async (_, item, id, field, code) => {
  const { status, body } = await send([item]);
  expect(status).toBe(200);
  expect(body.results[0]).toMatchObject({ status: 'error', error: { code } });
  if (id === null) expect(body.results[0].id).toBeNull();
  if (field !== '') expect(body.results[0].error.errors[0].field).toBe(field);
});

it('honors if_match of deletes and restores', async () => {
  const id = await api.caller.create();
  const { etag } = await api.caller.read(id);
  const results = await send([
    { op: 'delete', id, if_match: '"9-0"' },
    { op: 'delete', id, if_match: etag },
    { op: 'restore', id, if_match: etag },
    { op: 'restore', id, if_match: '*' },
  ]);
  expect(effectsOf(results)).toEqual(['precondition_failed', 'deleted', 'precondition_failed', 'restored']);
});

it('takes the options of a batch update', async () => {
  const id = await api.caller.create();
  const name = randomUUID();
  const items = [
    { op: 'create', default: { name } },
    { op: 'update', id, default: { name: 'Acme' } },
    { op: 'delete', id: randomUUID() },
    { op: 'delete', id },
  ];
  expect(effectsOf(await send(items, { on_error: 'rollback' }))).toEqual([
    ...['rolled_back', 'rolled_back', 'not_found', 'rolled_back'],
  ]);
  expect(effectsOf(await send(items, { dry_run: true, skip_unchanged: true }))).toEqual([
    ...['created', 'unchanged', 'not_found', 'deleted'],
  ]);
  expect([await countOf(name), (await api.caller.read(id)).version]).toEqual([0, 1]);
  const stopped = await send(items, { max_failures: 1, skip_unchanged: true, return: 'minimal' });
  expect(effectsOf(stopped)).toEqual(['created', 'unchanged', 'not_found', 'not_attempted']);
  expect(stopped.body.results[0]).not.toHaveProperty('record');
  expect(await countOf(name)).toBe(1);
});

it('is counted under its operation', async () => {
  const metrics = await api.gateway.app.get(Instruments).samples('prism_batches_total');
  expect(metrics.get('{operation="batch",result="all_ok"}')).toBeGreaterThan(0);
});
