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

it.each(['"2"', 'W/"1"', '"abc"'])('is the response to If-Match: %s at version 1', async (ifMatch) => {
  const id = await caller.create();
  const { status, body } = await caller.call('PATCH', caller.path(`organization/${id}`), {
    body: { default: { name: 'New' } },
    headers: { 'if-match': ifMatch },
  });
  expect(status).toBe(412);
  expect(body.error.code).toBe('precondition_failed');
  expect((await caller.read(id)).version).toBe(1);
});
