import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each(['"1"', '"1-0"', 'a weak etag'])('is the response to If-Match: %s', async (given) => {
  const id = await api.caller.create();
  const ifMatch = given === 'a weak etag' ? `W/${(await api.caller.read(id)).etag}` : given;
  const { status, body } = await api.caller.call('DELETE', api.caller.path(`organization/${id}`), {
    headers: { 'if-match': ifMatch },
  });
  expect([status, body.error.code]).toEqual([412, 'precondition_failed']);
  expect((await api.caller.read(id)).version).toBe(1);
});
