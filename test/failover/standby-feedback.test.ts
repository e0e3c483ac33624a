import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresPair } from '../support/postgres.pair';
import { type Retention, startRetention } from '../support/retention';
import { onServer } from '../support/server.database';
import { Session } from '../support/session';

let pair: PostgresPair;
let retention: Retention;
let primary: Session;
let standby: Session;

beforeAll(async () => {
  pair = await PostgresPair.create();
  retention = startRetention(pair.primaryUrl);
  primary = await Session.open(pair.primaryUrl);
  standby = await Session.open(pair.standbyUrl);
});
afterAll(async () => {
  await Promise.all([primary.close(), standby.close(), retention.close()]);
  await pair.remove();
});

const replicationAge = async (): Promise<number> => {
  await retention.run();
  return (await retention.metric('prism_database_replication_age')).get('') ?? NaN;
};

async function configureStandby(settings: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    await onServer(pair.standby.url, `ALTER SYSTEM SET ${name} = '${value}'`);
  }
  await onServer(pair.standby.url, 'SELECT pg_reload_conf()');
}

it('reports the age of rows that a query on a standby keeps, by its feedback alone and by its replication slot', async () => {
  expect(await replicationAge()).toBe(0);
  await standby.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await standby.query('SELECT FROM records');
  await configureStandby({ wal_receiver_status_interval: '1s', hot_standby_feedback: 'on' });
  for (let n = 0; n < 20; n += 1) await primary.query('SELECT pg_current_xact_id()');
  await expect.poll(replicationAge, { timeout: 20_000 }).toBeGreaterThanOrEqual(20);

  await primary.query("SELECT pg_create_physical_replication_slot('standby')");
  await configureStandby({ primary_slot_name: 'standby' });
  const slotAge = async () =>
    (await primary.query<{ age: number | null }>('SELECT age(xmin) FROM pg_replication_slots'))[0]?.age;
  await expect.poll(slotAge, { timeout: 20_000 }).toBeGreaterThanOrEqual(20);
  expect(await replicationAge()).toBeGreaterThanOrEqual(20);

  await standby.query('COMMIT');
  await expect.poll(replicationAge, { timeout: 20_000 }).toBeLessThan(20);
});
