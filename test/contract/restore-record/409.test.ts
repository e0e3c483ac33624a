import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('responds 409 to a restore with the key of another request', async () => {
  const [first, second] = [await api.caller.create(), await api.caller.create()];
  const headers = { 'idempotency-key': randomUUID() };
  await api.caller.call('POST', api.caller.path(`organization/${first}/restore`), { headers });
  for (const other of [`organization/${second}/restore`, `organization/${first}/duplicate`]) {
    const { status, body } = await api.caller.call('POST', api.caller.path(other), { headers });
    expect([status, body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
  }
});

it('responds 409 if another record has a value of the restored one that must be unique', async () => {
  const caller = await api.gateway.newCaller();
  await new PropertyCalls(caller).define({ name: 'Code', type: 'str', lookup: 'unique' });
  const id = await caller.create({ default: { name: 'One', code: 'a' } });
  await caller.call('DELETE', caller.path(`organization/${id}`));
  const other = await caller.create({ default: { name: 'Two', code: 'a' } });
  const restored = await caller.call('POST', caller.path(`organization/${id}/restore`));
  expect([restored.status, restored.body.error.code]).toEqual([409, 'conflict']);
  await caller.call('DELETE', caller.path(`organization/${other}`));
  expect((await caller.call('POST', caller.path(`organization/${id}/restore`))).status).toBe(200);
  expect((await caller.call('POST', caller.path(`organization/${other}/restore`))).status).toBe(409);
});
