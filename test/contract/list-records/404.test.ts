import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['GET', 'company', undefined],
  ['GET', 'company/count', undefined],
  ['POST', 'company/query', { query: { select: ['name'] } }],
])('responds that there is no such object type to %s %s', async (method, path, body) => {
  const response = await api.caller.call(method, api.caller.path(path), { body });
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
      const { status, headers } = await api.caller.call(method, api.caller.path(path));
      return [status, headers.allow];
    }),
  );
  expect(allowed).toEqual([
    [405, 'GET, HEAD'],
    [405, 'POST'],
    [405, 'GET, HEAD, POST'],
  ]);
});
