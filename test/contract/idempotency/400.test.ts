import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['empty', ''],
  ['256 characters', 'k'.repeat(256)],
  ['not ASCII', 'schlüssel'],
  ['an open quote', '"key'],
  ['empty in quotes', '""'],
  ['sent twice', ['one', 'two']],
])('rejects a key that is %s', async (_, value) => {
  const { status, body } = await api.caller.call('POST', api.caller.path('organization/batch/update'), {
    headers: { 'idempotency-key': value },
    body: { items: [{ id: 'x' }] },
  });
  expect(status).toBe(400);
  expect(body.error.errors[0].field).toBe('.header.idempotency-key');
});

it('accepts a key of 255 characters', async () => {
  const id = await api.caller.create();
  const { status } = await api.caller.update([{ id }], undefined, { 'idempotency-key': '~'.repeat(255) });
  expect(status).toBe(200);
});

it('ignores a key on GET', async () => {
  const id = await api.caller.create();
  const { status } = await api.caller.call('GET', api.caller.path(`organization/${id}`), {
    headers: { 'idempotency-key': '"' },
  });
  expect(status).toBe(200);
});
