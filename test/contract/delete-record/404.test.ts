import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it.each(['missing', 'deleted', 'of another type', 'of another team', 'no UUID'])(
  'is the response to a record that is %s, with or without If-Match',
  async (kind) => {
    const id = await recordThatIs(kind);
    for (const headers of [{}, { 'if-match': '"1-0"' }, { 'if-match': '*' }]) {
      const { status, body } = await api.caller.call('DELETE', api.caller.path(`organization/${id}`), { headers });
      expect(status).toBe(404);
      expect(body.error).toEqual({
        code: 'not_found',
        message: 'The resource does not exist.',
        request_id: expect.any(String),
      });
    }
  },
);

async function recordThatIs(kind: string): Promise<string> {
  const { caller, gateway } = api;
  switch (kind) {
    case 'deleted': {
      const id = await caller.create();
      expect((await caller.call('DELETE', caller.path(`organization/${id}`))).status).toBe(204);
      return id;
    }
    case 'of another type':
      return caller.create({ default: { name: 'Deal' } }, 'deal');
    case 'of another team':
      return (await gateway.newCaller()).create();
    case 'no UUID':
      return 'acme';
    default:
      return randomUUID();
  }
}
