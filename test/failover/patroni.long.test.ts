// @module-tag patroni
// @module-tag etcd
// @module-tag haproxy
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { type Database, migrate, openDatabase } from '#libs/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type TestGateway } from '../support/gateway';
import { PatroniCluster } from '../support/patroni.cluster';
import { onServer } from '../support/server.database';
import { Traffic } from '../deploy/traffic';

const POOL_SIZE = 4;
/** The pool, two connections of the control plane, and two that check the server. */
const MAX_BACKENDS = POOL_SIZE + 4;

let cluster: PatroniCluster;
let gateway: TestGateway;
/** Direct connections to the primary. */
let database: Database;

beforeAll(async () => {
  cluster = await PatroniCluster.start();
  await onServer(cluster.url('postgres'), 'CREATE DATABASE prism');
  await migrate(cluster.directUrl('prism'));
  database = openDatabase(readSettings({ DATABASE_URL: `${cluster.directUrl('prism')}?application_name=test` }));
  const settings = { DATABASE_POOL_SIZE: String(POOL_SIZE) };
  gateway = await startGateway({ databaseUrl: cluster.url('prism'), settings });
}, 180_000);

afterAll(async () => {
  await gateway.close();
  await database.close();
  await cluster.remove();
});

/** Callers of a new team, two with keys and two without, each with its own records. */
async function startTraffic(): Promise<Traffic> {
  const access = AccessService.create(database);
  const { id: teamId } = await access.createTeam('A team');
  const { apiKey } = await access.createKey(teamId, 'billing', ['records:write']);
  const callers = [];
  for (const keyed of [true, true, false, false]) {
    const { rows } = await database.query<{ id: string }>(
      `INSERT INTO records (team_id, id, object_type, properties)
       SELECT $1, gen_random_uuid(), 'organization', '{"name": "new"}' FROM generate_series(1, 5) RETURNING id`,
      [teamId],
    );
    callers.push({ keyed, records: rows.map(({ id }) => id) });
  }
  return new Traffic({ url: gateway.url, teamId, apiKey, callers });
}

/** Every batch with a key changed each of its records once, and no acknowledged batch is missing. */
async function expectNothingLost(traffic: Traffic): Promise<void> {
  for (const { records, keyed, batches, failures } of await traffic.stop()) {
    const { rows } = await database.query<{ changes: number }>(
      'SELECT version::integer - 1 AS changes FROM records WHERE id = ANY ($1)',
      [records],
    );
    for (const { changes } of rows) {
      if (keyed) expect(changes).toBe(batches);
      // Without a key, a batch that failed may have been applied in part.
      expect(changes).toBeGreaterThanOrEqual(keyed ? batches : batches - failures.length);
      expect(changes).toBeLessThanOrEqual(batches);
    }
  }
}

async function backends(): Promise<number> {
  const { rows } = await database.query<{ n: number }>(
    "SELECT count(*)::integer AS n FROM pg_stat_activity WHERE application_name = 'prism-gateway'",
  );
  return rows[0]?.n ?? 0;
}

describe('a pair that Patroni manages, behind HAProxy', () => {
  it.each([
    { event: 'a switchover', isFailure: false },
    { event: 'a power failure of the primary', isFailure: true },
  ])('$event loses and repeats nothing, and needs no restart', { timeout: 240_000 }, async ({ isFailure }) => {
    const { primary } = await cluster.roles();
    const traffic = await startTraffic();
    await traffic.waitForBatches();
    if (isFailure) cluster.killServer(primary);
    else await cluster.switchover();
    await cluster.waitUntilReplaced(primary);
    await traffic.waitForBatches();
    expect(await backends()).toBeLessThanOrEqual(MAX_BACKENDS);
    if (isFailure) cluster.startPatroni(primary.name);
    await cluster.waitUntilSettled();
    await traffic.waitForBatches();
    await expectNothingLost(traffic);
    expect(await backends()).toBeLessThanOrEqual(MAX_BACKENDS);
  });
});
