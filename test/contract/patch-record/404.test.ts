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

it('is what a record that is not there is, with or without If-Match', async () => {
  const path = caller.path('organization/182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e');
  for (const headers of [{}, { 'if-match': '"1"' }, { 'if-match': '*' }]) {
    const { status, body } = await caller.call('PATCH', path, { body: { default: { name: 'New' } }, headers });
    expect(status).toBe(404);
    expect(body.error.code).toBe('not_found');
  }
});
