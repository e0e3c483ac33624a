import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway({ settings: { QUERY_TIMEOUT_MS: '50' } });

it('deletes nothing if it does not find out in time whether records use the property', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id } = await calls.define({ name: 'Score', type: 'num' });
  // The check waits for the lock of the table until its time has passed.
  await api.gateway.database.transaction(async (client) => {
    await client.query('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
    const { status, body, headers } = await calls.remove(id);
    expect([status, body.error.code]).toEqual([503, 'unavailable']);
    expect(body.error.message).toContain('QUERY_TIMEOUT_MS');
    expect(headers['retry-after']).toBeDefined();
  });
  expect(await calls.find('score')).toMatchObject({ id });
  expect((await calls.remove(id)).status).toBe(204);
});

it('waits for another change of the object type no longer than LOCK_TIMEOUT_MS', async () => {
  const calls = new PropertyCalls(api.caller);
  await api.gateway.database.transaction(async (client) => {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('property_definitions ' || $1, 0))`, [
      api.caller.teamId,
    ]);
    const headers = { 'x-request-timeout-ms': '500' };
    expect((await calls.create({ name: 'Waiting', type: 'num' }, { headers })).status).toBe(503);
  });
  expect(await calls.find('waiting')).toBeUndefined();
});
