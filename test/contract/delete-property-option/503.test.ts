import { expect, it } from 'vitest';
import { useGateway } from '../../support/gateway.hooks';
import { PropertyCalls } from '../../support/property.calls';

const api = useGateway({ settings: { QUERY_TIMEOUT_MS: '50' } });

it('deletes nothing if it does not find out in time whether records use the option', async () => {
  const calls = new PropertyCalls(api.caller);
  const { id, options } = await calls.define({ name: 'Tier', type: 'select_str', options: [{ value: 'Gold' }] });
  // The check waits for the lock of the table until its time has passed.
  await api.gateway.database.transaction(async (client) => {
    await client.query('LOCK TABLE records IN ACCESS EXCLUSIVE MODE');
    const { status, body, headers } = await calls.removeOption(id, options[0].id);
    expect([status, body.error.code]).toEqual([503, 'unavailable']);
    expect(headers['retry-after']).toBeDefined();
  });
  expect((await calls.find('tier')).options).toEqual(options);
  expect((await calls.removeOption(id, options[0].id)).status).toBe(204);
});
