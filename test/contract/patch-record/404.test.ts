import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each([
  ['a record that is not there', '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e'],
  ['an id that is no UUID', 'acme'],
])('is the response to %s, with or without If-Match', async (_, id) => {
  const path = api.caller.path(`organization/${id}`);
  for (const headers of [{}, { 'if-match': '"1"' }, { 'if-match': '*' }]) {
    const { status, body } = await api.caller.call('PATCH', path, { body: { default: { name: 'New' } }, headers });
    expect(status).toBe(404);
    expect(body.error).toEqual({
      code: 'not_found',
      message: 'The resource does not exist.',
      request_id: expect.any(String),
    });
  }
});
