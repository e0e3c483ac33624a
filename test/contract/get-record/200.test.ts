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

it('returns the record and its etag', async () => {
  const id = await caller.create({ default: { name: 'Acme' }, extended: { a: 1 } });
  const { status, body, headers } = await caller.call('GET', caller.path(`organization/${id.toUpperCase()}`));
  expect(status).toBe(200);
  expect(headers.etag).toBe('"1"');
  expect(body).toMatchObject({ id, default: { name: 'Acme' }, list: {}, extended: { a: 1 } });
});

it('returns only the selected properties', async () => {
  const id = await caller.create({ default: { name: 'Acme', location: 'Bern', employees: 3 }, extended: { a: 1 } });
  for (const query of ['select=name,employees', 'select=name&select=employees']) {
    const { body } = await caller.call('GET', caller.path(`organization/${id}?${query}`));
    expect(body).toEqual({ id, default: { name: 'Acme', employees: 3 }, list: {} });
  }
});
