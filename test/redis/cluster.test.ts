// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { type RedisCluster, startCluster } from '../support/redis.topology';

const TEAMS = 40; // enough that each of the three masters has some

let cluster: RedisCluster;
let admins: Redis[];
let gateway: TestGateway;
let callers: ApiClient[];
let records: string[];

beforeAll(async () => {
  cluster = await startCluster();
  admins = cluster.nodes.map(({ url }) => new Redis(url));
  const [first, second] = cluster.nodes.map(({ port }) => port);
  gateway = await startGateway({
    settings: {
      REDIS_URL: `redis://127.0.0.1:${first ?? 0},127.0.0.1:${second ?? 0}`,
      REDIS_MODE: 'cluster',
      REDIS_TIMEOUT_MS: '1000',
      RATE_LIMIT_ITEMS_PER_SECOND: '1',
      RATE_LIMIT_ITEMS_BURST: '100000',
    },
  });
  callers = await Promise.all(Array.from({ length: TEAMS }, () => gateway.newCaller()));
  records = await Promise.all(callers.map((caller) => caller.create()));
});

afterAll(async () => {
  await gateway.close();
  for (const admin of admins) admin.disconnect();
  await cluster.stop();
});

/** Patches the record of a team with a new key, and sends the request once more: its response must be replayed. */
async function patchTwice(team: number): Promise<void> {
  const caller = callers[team];
  const items = [{ id: records[team], default: { name: 'Acme' } }];
  const headers = { 'idempotency-key': randomUUID() };
  const first = await caller?.update(items, undefined, headers);
  expect(first).toMatchObject({ status: 200, body: { summary: { succeeded: 1 } } });
  const replay = await caller?.update(items, undefined, headers);
  expect([replay?.text, replay?.headers['idempotent-replay']]).toEqual([first?.text, 'true']);
}

const allTeams = Array.from({ length: TEAMS }, (_, team) => team);

async function samples(name: string): Promise<Record<string, number>> {
  return Object.fromEntries(await gateway.app.get(Instruments).samples(name));
}

/** The number of the node that has the keys of a team, and their slot. */
async function placeOf(team: number): Promise<{ node: number; slot: number }> {
  const slot = Number(await admins[0]?.cluster('KEYSLOT', `{${callers[team]?.teamId ?? ''}}`));
  const owns = await Promise.all(admins.map(async (admin) => (await admin.cluster('COUNTKEYSINSLOT', slot)) > 0));
  return { node: owns.indexOf(true), slot };
}

const healthOfRedis = async (): Promise<unknown> => {
  const { body } = (await callers[0]?.call('GET', '/health/ready')) ?? {};
  return [body.status, body.checks.redis];
};

it('claims, replays and rate limits of all teams use all masters', async () => {
  expect(await healthOfRedis()).toEqual(['ok', 'up']);
  const replays = await samples('prism_idempotency_requests_total');
  await Promise.all(allTeams.map(patchTwice));
  const after = await samples('prism_idempotency_requests_total');
  const grown = (result: string): number =>
    (after[`{result="${result}"}`] ?? 0) - (replays[`{result="${result}"}`] ?? 0);
  expect([grown('executed'), grown('replayed_cache'), grown('replayed_ledger')]).toEqual([TEAMS, TEAMS, 0]);
  for (const admin of admins) {
    expect(await admin.keys('prism:*:idempotency:*')).not.toEqual([]);
    expect(await admin.keys('prism:*:rates:*')).not.toEqual([]);
  }
  expect((await samples('prism_rate_checks_total'))['{store="process"}'] ?? 0).toBe(0);
  expect(Object.values(await samples('prism_redis_errors_total'))).toEqual([0, 0, 0, 0]);
});

it('a slot can be moved while its team is served', async () => {
  const { node, slot } = await placeOf(0);
  const target = (node + 1) % admins.length;
  const [from, to] = [admins[node], admins[target]];
  if (from === undefined || to === undefined) throw new Error('the team has no node');
  const stopping = new AbortController();
  let requests = 0;
  const traffic = (async () => {
    while (!stopping.signal.aborted) {
      await patchTwice(0);
      requests += 1;
    }
  })();
  const flows = async (count = 10): Promise<void> => {
    const wanted = requests + count;
    while (requests < wanted) await Promise.race([traffic, sleep(5)]);
  };
  await flows();
  const [fromId, toId] = [await from.cluster('MYID'), await to.cluster('MYID')];
  await to.cluster('SETSLOT', slot, 'IMPORTING', fromId);
  await from.cluster('SETSLOT', slot, 'MIGRATING', toId);
  await flows();
  for (;;) {
    const keys = await from.cluster('GETKEYSINSLOT', slot, 100);
    if (keys.length === 0) break;
    await from.migrate('127.0.0.1', String(cluster.nodes[target]?.port), '', 0, 5_000, 'KEYS', ...keys);
  }
  await flows();
  await to.cluster('SETSLOT', slot, 'NODE', toId);
  await from.cluster('SETSLOT', slot, 'NODE', toId);
  await flows();
  stopping.abort();
  await traffic;
  expect(await to.cluster('COUNTKEYSINSLOT', slot)).toBeGreaterThan(0);
  // Redis was available to every call.
  expect(Object.values(await samples('prism_redis_errors_total'))).toEqual([0, 0, 0, 0]);
  expect(await healthOfRedis()).toEqual(['ok', 'up']);
});

it('a node that does not respond is reported, and costs only its own teams a timeout', async () => {
  const { node } = await placeOf(0);
  const places = await Promise.all(allTeams.map(placeOf));
  const others = allTeams.filter((team) => places[team]?.node !== node);
  expect(others.length).toBeGreaterThan(0);
  cluster.nodes[node]?.pause();
  const items = [{ id: records[0], default: { name: 'Acme' } }];
  const headers = { 'idempotency-key': randomUUID() };
  expect((await callers[0]?.update(items, undefined, headers))?.status).toBe(200);
  expect(await healthOfRedis()).toEqual(['degraded', 'degraded']);
  expect(await samples('prism_redis_up')).toEqual({ '': 0 });
  const timeouts = (await samples('prism_redis_errors_total'))['{kind="timeout"}'];
  await Promise.all(others.map(patchTwice));
  expect((await samples('prism_redis_errors_total'))['{kind="timeout"}']).toBe(timeouts);
  cluster.nodes[node]?.resume();
});
