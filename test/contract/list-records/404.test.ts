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
  ['GET', 'company', undefined],
  ['GET', 'company/count', undefined],
  ['POST', 'company/query', { query: { select: ['name'] } }],
])('responds that there is no such object type to %s %s', async (method, path, body) => {
  const response = await caller.call(method, caller.path(path), { body });
  expect(response.status).toBe(404);
  expect(response.body.error).toMatchObject({ code: 'not_found', message: expect.stringContaining('organization') });
});

it('responds 405 to other methods of the paths', async () => {
  const methods = [
    ['DELETE', 'organization/count'],
    ['PUT', 'organization/query'],
    ['DELETE', 'organization'],
  ] as const;
  const allowed = await Promise.all(
    methods.map(async ([method, path]) => {
      const { status, headers } = await caller.call(method, caller.path(path));
      return [status, headers.allow];
    }),
  );
  expect(allowed).toEqual([
    [405, 'GET, HEAD'],
    [405, 'POST'],
    [405, 'GET, HEAD, POST'],
  ]);
});
