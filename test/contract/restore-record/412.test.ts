import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['a deleted record', true],
  ['a live record', false],
])('is the response to an etag that %s does not have', async (_, deleted) => {
  const id = await api.caller.create();
  const path = api.caller.path(`organization/${id}`);
  const { etag } = await api.caller.read(id);
  if (deleted) await api.caller.call('DELETE', path);
  const headers = { 'if-match': deleted ? etag : '"9-0"' };
  const { status, body } = await api.caller.call('POST', `${path}/restore`, { headers });
  expect([status, body.error.code]).toEqual([412, 'precondition_failed']);
  expect((await api.caller.call('GET', path)).status).toBe(deleted ? 404 : 200);
});
