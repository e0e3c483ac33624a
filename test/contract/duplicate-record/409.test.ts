import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('is the response to a key of another request', async () => {
  const [first, second] = [await api.caller.create(), await api.caller.create()];
  const headers = { 'idempotency-key': randomUUID() };
  await api.caller.call('POST', api.caller.path(`organization/${first}/duplicate`), { headers });
  const { status, body } = await api.caller.call('POST', api.caller.path(`organization/${second}/duplicate`), {
    headers,
  });
  expect([status, body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
});
