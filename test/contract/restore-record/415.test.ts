import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds 415 to a restore with a body that is not JSON', async () => {
  const id = await api.caller.create();
  const { status, body } = await api.caller.call('POST', api.caller.path(`organization/${id}/restore`), {
    body: 'x=1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect([status, body.error.code]).toEqual([415, 'unsupported_media_type']);
});
