import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each(['"2"', 'W/"1"', '"abc"'])('is the response to If-Match: %s at version 1', async (ifMatch) => {
  const id = await api.caller.create();
  const { status, body } = await api.caller.call('PATCH', api.caller.path(`organization/${id}`), {
    body: { default: { name: 'New' } },
    headers: { 'if-match': ifMatch },
  });
  expect(status).toBe(412);
  expect(body.error.code).toBe('precondition_failed');
  expect((await api.caller.read(id)).version).toBe(1);
});
