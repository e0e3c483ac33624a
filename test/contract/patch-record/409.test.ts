import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

/*
 * A value that must be unique, in each kind of write but those of a single record that have a file of their own.
 */

const api = useGateway();
let caller: ApiClient;
let id: string;

beforeEach(async () => {
  caller = await api.gateway.newCaller();
  await new PropertyCalls(caller).define({ name: 'Code', type: 'str', lookup: 'unique' });
  await caller.create({ default: { name: 'One', code: 'a' } });
  id = await caller.create({ default: { name: 'Two' } });
});

it.each([
  ['without an Idempotency-Key', {}],
  ['with an Idempotency-Key', { 'idempotency-key': randomUUID() }],
])('%s, a patch to the value of another record is the conflict', async (_, headers) => {
  const patch = { body: { default: { code: 'a' } }, headers };
  const { status, body } = await caller.call('PATCH', caller.path(`organization/${id}`), patch);
  expect([status, body.error.code]).toEqual([409, 'conflict']);
  expect((await caller.read(id)).version).toBe(1);
});

it('is an error of the items of a batch', async () => {
  const { body } = await caller.update([
    { id, default: { code: 'a' } },
    { id, default: { code: 'b' } },
  ]);
  expect(body.results.map(({ error }: any) => error?.code)).toEqual(['conflict', undefined]);
  const items = [
    { op: 'create', default: { name: 'Three', code: 'b' } },
    { op: 'update', id, default: { code: 'c' } },
    { op: 'create', default: { name: 'Three', code: 'b' } },
  ];
  const mixed = await caller.call('POST', caller.path('organization/batch'), { body: { items } });
  expect(mixed.body.results.map(({ error }: any) => error?.code)).toEqual(['conflict', undefined, undefined]);
});

it('is an error of the rows of an import', async () => {
  const objects = ['a', 'b', 'b'].map((code) => ({ default: { name: 'Imported', code } }));
  const { body } = await caller.call('POST', caller.path('organization/import'), { body: { objects } });
  expect(body.results.map(({ input_index, id: created, error }: any) => [input_index, created, error?.code])).toEqual([
    [0, null, 'conflict'],
    [1, expect.any(String), undefined],
    [2, null, 'conflict'],
  ]);
});
