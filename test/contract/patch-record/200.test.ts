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

it('applies a patch like an item of a batch', async () => {
  const id = await caller.create({ default: { name: 'Acme', stage: 'lead', tags: ['a'] } });
  const { status, body, headers } = await caller.call('PATCH', caller.path(`organization/${id}`), {
    body: { default: { stage: null, tags: { _op: 'append', values: ['b'] } } },
  });
  expect(status).toBe(200);
  expect(headers.etag).toBe('"2"');
  expect(body.default).toMatchObject({ name: 'Acme', tags: ['a', 'b'] });
  expect(body.default).not.toHaveProperty('stage');
});

it('returns the unchanged record if there is nothing to change', async () => {
  const id = await caller.create();
  const { status, headers } = await caller.call('PATCH', caller.path(`organization/${id}`), { body: {} });
  expect([status, headers.etag]).toEqual([200, '"1"']);
});

it.each(['"1"', '*'])('applies a patch with If-Match: %s', async (ifMatch) => {
  const id = await caller.create();
  const { status } = await caller.call('PATCH', caller.path(`organization/${id}`), {
    body: { default: { name: 'New' } },
    headers: { 'if-match': ifMatch },
  });
  expect(status).toBe(200);
});
