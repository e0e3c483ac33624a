import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const cases: [string, unknown, string, string][] = [
  ['no ids', {}, '.body.ids', 'array'],
  ['no id', { ids: [] }, '.body.ids', 'min_items'],
  ['101 ids', { ids: Array(101).fill(randomUUID()) }, '.body.ids', 'max_items'],
  ['items instead of ids', { items: [] }, '.body.items', 'unknown_field'],
];

it.each(cases)('responds invalid_request with the field and the rule to %s', async (_, body, field, code) => {
  const { status, body: response } = await api.caller.call('POST', api.caller.path('organization/batch/delete'), {
    body,
  });
  expect(status).toBe(400);
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
