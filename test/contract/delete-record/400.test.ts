import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['a body', { default: {} }, {}, '.body.default', 'unknown_field'],
  ['a body that is no object', [1], {}, '.body', 'object'],
  ['a malformed If-Match', undefined, { 'if-match': '1' }, '.header.if-match', 'etag'],
])('responds invalid_request with the field and the rule to %s', async (_, body, headers, field, code) => {
  const id = await api.caller.create();
  const path = api.caller.path(`organization/${id}`);
  const { status, body: response } = await api.caller.call('DELETE', path, { body, headers });
  expect(status).toBe(400);
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
  expect((await api.caller.read(id)).version).toBe(1);
});
