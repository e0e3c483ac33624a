import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds 404 to the restore of a record that does not exist, is of another type or team, or has no UUID', async () => {
  const ids = [
    randomUUID(),
    await api.caller.create({ default: { name: 'Deal' } }, 'deal'),
    await (await api.gateway.newCaller()).create(),
    'acme',
  ];
  for (const id of ids) {
    for (const headers of [{}, { 'if-match': '"1-0"' }, { 'if-match': '*' }]) {
      const path = api.caller.path(`organization/${id}/restore`);
      const { status, body } = await api.caller.call('POST', path, { headers });
      expect([status, body.error.code]).toEqual([404, 'not_found']);
    }
  }
});

it('replays the 404 of a restore', async () => {
  const path = api.caller.path(`organization/${randomUUID()}/restore`);
  const headers = { 'idempotency-key': randomUUID() };
  const first = await api.caller.call('POST', path, { headers });
  const second = await api.caller.call('POST', path, { headers });
  expect([second.status, second.text]).toEqual([404, first.text]);
  expect(second.headers['idempotent-replay']).toBe('true');
});
