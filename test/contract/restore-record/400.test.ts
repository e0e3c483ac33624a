import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['a body', { default: {} }, {}, '.body.default', 'unknown_field'],
  ['a body of null', 'null', {}, '.body', 'object'],
  ['a malformed If-Match', undefined, { 'if-match': '1' }, '.header.if-match', 'etag'],
  ['a malformed Idempotency-Key', undefined, { 'idempotency-key': '"' }, '.header.idempotency-key', 'quoted_string'],
])('responds invalid_request with the field and the rule to %s', async (_, body, headers, field, code) => {
  const id = await api.caller.create();
  const path = api.caller.path(`organization/${id}/restore`);
  const { status, body: response } = await api.caller.call('POST', path, { body, headers });
  expect(status).toBe(400);
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
