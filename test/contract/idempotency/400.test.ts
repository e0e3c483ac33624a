import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
});
afterAll(() => gateway.close());

it.each([
  ['empty', ''],
  ['256 characters', 'k'.repeat(256)],
  ['not ASCII', 'schlüssel'],
  ['an open quote', '"key'],
  ['empty in quotes', '""'],
  ['sent twice', ['one', 'two']],
])('rejects a key that is %s', async (_, value) => {
  const { status, body } = await caller.call('POST', caller.path('organization/batch/update'), {
    headers: { 'idempotency-key': value },
    body: { items: [{ id: 'x' }] },
  });
  expect(status).toBe(400);
  expect(body.error.errors[0].field).toBe('.header.idempotency-key');
});

it('accepts a key of 255 characters', async () => {
  const id = await caller.create();
  const { status } = await caller.update([{ id }], undefined, { 'idempotency-key': '~'.repeat(255) });
  expect(status).toBe(200);
});

it('ignores a key on GET', async () => {
  const id = await caller.create();
  const { status } = await caller.call('GET', caller.path(`organization/${id}`), {
    headers: { 'idempotency-key': '"' },
  });
  expect(status).toBe(200);
});
