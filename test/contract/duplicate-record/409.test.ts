import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway();

it('responds 409 to a duplication with the key of another request', async () => {
  const [first, second] = [await api.caller.create(), await api.caller.create()];
  const headers = { 'idempotency-key': randomUUID() };
  await api.caller.call('POST', api.caller.path(`organization/${first}/duplicate`), { headers });
  const { status, body } = await api.caller.call('POST', api.caller.path(`organization/${second}/duplicate`), {
    headers,
  });
  expect([status, body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
});

it('responds 409 if the record has a value that must be unique', async () => {
  const caller = await api.gateway.newCaller();
  await new PropertyCalls(caller).define({ name: 'Code', type: 'str', lookup: 'unique' });
  const id = await caller.create({ default: { name: 'One', code: 'a' } });
  const { status, body } = await caller.call('POST', caller.path(`organization/${id}/duplicate`));
  expect([status, body.error.code]).toEqual([409, 'conflict']);
  const other = await caller.create({ default: { name: 'Two' } });
  expect((await caller.call('POST', caller.path(`organization/${other}/duplicate`))).status).toBe(201);
});

it('duplicates a record with a value that need not be unique', async () => {
  const id = await api.caller.create({ default: { name: 'One', primary_domain: 'copied.example' } });
  expect((await api.caller.call('POST', api.caller.path(`organization/${id}/duplicate`))).status).toBe(201);
  const { status, body } = await api.caller.call(
    'GET',
    api.caller.path('organization/by/primary_domain/copied.example'),
  );
  expect([status, body.error.code]).toEqual([409, 'multiple_matches']);
});
