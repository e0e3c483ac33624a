import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each(['"1"', '"1-0"', '"abc"', 'a weak etag'])('is the response to If-Match: %s', async (given) => {
  const id = await api.caller.create();
  const ifMatch = given === 'a weak etag' ? `W/${(await api.caller.read(id)).etag}` : given;
  const { status, body } = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), {
    body: { default: { name: 'New' } },
    headers: { 'if-match': ifMatch },
  });
  expect(status).toBe(412);
  expect(body.error.code).toBe('precondition_failed');
  expect((await api.caller.read(id)).version).toBe(1);
});
