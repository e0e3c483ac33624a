import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';

const api = useGateway();

it('responds 404 to the duplication of a record that is missing, deleted, of another type or team, or has no UUID', async () => {
  const deleted = await api.caller.create();
  await api.caller.call('DELETE', api.caller.path(`organization/${deleted}`));
  const ids = [
    randomUUID(),
    deleted,
    await api.caller.create({ default: { name: 'Deal' } }, 'deal'),
    await (await api.gateway.newCaller()).create(),
    'acme',
  ];
  for (const id of ids) {
    const { status, body } = await api.caller.call('POST', api.caller.path(`organization/${id}/duplicate`));
    expect([status, body.error.code]).toEqual([404, 'not_found']);
  }
});
