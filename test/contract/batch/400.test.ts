import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

const item = { op: 'delete', id: randomUUID() };

it.each([
  ['no body', undefined, '.body', 'object'],
  ['no item', { items: [] }, '.body.items', 'min_items'],
  ['101 items', { items: Array(101).fill(item) }, '.body.items', 'max_items'],
  ['ids instead of items', { ids: [] }, '.body.ids', 'unknown_field'],
  [
    'max_failures with stop',
    { items: [item], options: { max_failures: 1, on_error: 'stop' } },
    '.body.options.max_failures',
    'exclusive',
  ],
])('responds invalid_request with the field and the rule to %s', async (_, body, field, code) => {
  const { status, body: response } = await api.caller.call('POST', api.caller.path('organization/batch'), { body });
  expect(status).toBe(400);
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});
