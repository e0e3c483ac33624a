import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['?list_id=x', '.query.list_id', 'uuid'],
  ['?list_id=', '.query.list_id', 'uuid'],
  ['?list_id=a&list_id=b', '.query.list_id', 'single'],
  ['?stage=won', '.query.stage', 'unknown_field'],
])('responds invalid_request with the field and the rule to %s', async (query, field, code) => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`organization/count${query}`));
  expect(status).toBe(400);
  expect(body.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
