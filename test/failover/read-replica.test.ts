import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { PostgresPair } from '../support/postgres.pair';
import { onServer } from '../support/server.database';

let pair: PostgresPair;
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  pair = await PostgresPair.create();
  gateway = await startGateway({
    databaseUrl: pair.primaryUrl,
    settings: { DATABASE_READ_URL: pair.standbyUrl, QUERY_TIMEOUT_MS: '500' },
  });
  caller = await gateway.newCaller();
});
afterAll(async () => {
  await gateway.close();
  await pair.remove();
});

async function create(name: string): Promise<string> {
  const { status, body } = await caller.call('POST', caller.path('organization'), { body: { default: { name } } });
  expect(status).toBe(201);
  return body.id;
}

const query = async (filter: unknown[] = []) =>
  caller.call('POST', caller.path('organization/query'), { body: { query: { select: ['name'], filter } } });

async function ready(): Promise<{ status: number; body: { status: string; checks: object } }> {
  return caller.call('GET', '/health/ready');
}

it('serves list, query and count from the replica, and a record by its id from the primary', async () => {
  const first = await create('replayed');
  await expect.poll(async () => (await query()).body.data.map(({ id }: { id: string }) => id)).toEqual([first]);
  await onServer(pair.standby.url, 'SELECT pg_wal_replay_pause()');
  const second = await create('not replayed yet');
  expect((await query()).body.data).toHaveLength(1);
  expect((await caller.call('GET', caller.path('organization?select=name'))).body.data).toHaveLength(1);
  expect((await caller.call('GET', caller.path('organization/count'))).body).toEqual({ total: 1 });
  expect((await caller.call('GET', caller.path(`organization/${second}`))).status).toBe(200);
  await onServer(pair.standby.url, 'SELECT pg_wal_replay_resume()');
  await expect.poll(async () => (await query()).body.data).toHaveLength(2);
});

it('ends a query on the replica at its timeout, and uses the connection again', async () => {
  await onServer(pair.primaryUrl, 'ALTER FUNCTION number_value(jsonb) RENAME TO renamed_number_value');
  await onServer(
    pair.primaryUrl,
    'CREATE FUNCTION number_value(jsonb) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$',
  );
  const slow = [{ employees: { '=': 1 } }];
  await expect.poll(async () => (await query(slow)).status, { timeout: 10_000 }).toBe(400);
  const { body } = await query(slow);
  expect(body.error.errors[0].code).toBe('query_timeout');
  expect((await query()).status).toBe(200);
  await onServer(pair.primaryUrl, 'DROP FUNCTION number_value(jsonb)');
  await onServer(pair.primaryUrl, 'ALTER FUNCTION renamed_number_value(jsonb) RENAME TO number_value');
});

it('responds 503 to queries while the replica is down, stays ready as degraded, and recovers by itself', async () => {
  expect(await ready()).toMatchObject({ status: 200, body: { status: 'ok', checks: { replica: 'up' } } });
  await pair.standby.stop('fast');
  await pair.changeSetting(pair.primary, "synchronous_standby_names = ''");
  await expect.poll(async () => (await query()).status).toBe(503);
  expect(await ready()).toMatchObject({
    status: 200,
    body: { status: 'degraded', checks: { postgres: 'up', replica: 'down' } },
  });
  await create('while the replica is down');
  await pair.standby.start();
  await expect.poll(async () => (await ready()).body.status, { timeout: 10_000 }).toBe('ok');
  expect((await query()).status).toBe(200);
});
