import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['blank', '%20', 'min_length'],
  ['empty in quotes', '%22%22', 'min_length'],
  ['256 characters', 'k'.repeat(256), 'max_length'],
  ['not ASCII', 'schl%C3%BCssel', 'printable_ascii'],
  ['a control character', 'a%00b', 'printable_ascii'],
  ['an open quote', '%22key', 'quoted_string'],
])('rejects a key that is %s, as in the header', async (_, key, code) => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`receipts/${key}`));
  expect([status, body.error.code]).toEqual([400, 'invalid_request']);
  expect(body.error.errors).toMatchObject([{ field: '.path.key', code }]);
});

it('rejects invalid percent-encoding', async () => {
  const { status, body } = await api.caller.call('GET', api.caller.path('receipts/%zz'));
  expect([status, body.error.errors[0].field]).toEqual([400, '.path']);
});

it('rejects a query parameter', async () => {
  const { status, body } = await api.caller.call('GET', api.caller.path(`receipts/${randomUUID()}?select=name`));
  expect([status, body.error.errors[0].field]).toEqual([400, '.query.select']);
});
