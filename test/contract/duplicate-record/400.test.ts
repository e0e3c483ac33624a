import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['a body', { default: { name: 'Copy' } }, {}, '.body.default', 'unknown_field'],
  ['a body that is no object', ['x'], {}, '.body', 'object'],
  ['a malformed Idempotency-Key', undefined, { 'idempotency-key': '"' }, '.header.idempotency-key', 'quoted_string'],
])('responds invalid_request with the field and the rule to %s', async (_, body, headers, field, code) => {
  const id = await api.caller.create();
  const path = api.caller.path(`organization/${id}/duplicate`);
  const { status, body: response } = await api.caller.call('POST', path, { body, headers });
  expect(status).toBe(400);
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
