import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();
const small = useGateway({ settings: { RESPONSE_LIMIT_BYTES: '200000', RECORD_LIMIT_BYTES: '100000' } });

const row = { default: { name: 'Acme' } };

it.each([
  ['no body', undefined, '.body', 'object'],
  ['no rows', { objects: [] }, '.body.objects', 'min_items'],
  ['no array of rows', { objects: row }, '.body.objects', 'array'],
  ['an unknown field', { objects: [row], dry_run: true }, '.body.dry_run', 'unknown_field'],
  ['more than 10,000 rows', { objects: Array.from({ length: 10_001 }, () => ({})) }, '.body.objects', 'max_items'],
  ['an unknown option', { objects: [row], options: { dedupe: 'name' } }, '.body.options.dedupe', 'unknown_field'],
  [
    'a case option that is no boolean',
    { objects: [row], options: { caseInsensitive: 'yes' } },
    '.body.options.caseInsensitive',
    'boolean',
  ],
])('responds invalid_request with the field and the rule to %s', async (_, body, field, code) => {
  const { status, body: response } = await api.caller.call('POST', api.caller.path('organization/import'), { body });
  expect(status).toBe(400);
  expect(response.error).toMatchObject({ code: 'invalid_request' });
  expect(response.error.errors).toContainEqual({ field, code, message: expect.any(String) });
});

it('accepts only as many rows as have results that fit into a response', async () => {
  const body = { objects: Array.from({ length: 196 }, () => row) };
  const { status, body: response } = await small.caller.call('POST', small.caller.path('organization/import'), {
    body,
  });
  expect(status).toBe(400);
  expect(response.error.message).toBe('objects must hold 1 to 195 rows');
});
