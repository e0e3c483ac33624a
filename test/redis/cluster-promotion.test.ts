// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { type RedisCluster, startCluster } from '../support/redis.topology';

let cluster: RedisCluster;
let gateway: TestGateway;
let caller: ApiClient;
let record: string;

beforeAll(async () => {
  cluster = await startCluster({ replicas: 1 });
  const hosts = cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  gateway = await startGateway({
    settings: { REDIS_URL: `redis://${hosts}`, REDIS_MODE: 'cluster', REDIS_TIMEOUT_MS: '1000' },
  });
  caller = await gateway.newCaller();
  record = await caller.create();
});

afterAll(async () => {
  await gateway.close();
  await cluster.stop();
});

/** Patches the record twice with the same key. @returns whether Redis had the response for the second time */
async function isReplayedByRedis(): Promise<boolean> {
  const replays = async (): Promise<number> =>
    (await gateway.app.get(Instruments).samples('prism_idempotency_requests_total')).get('{result="replayed_cache"}') ??
    0;
  const before = await replays();
  const headers = { 'idempotency-key': randomUUID() };
  const items = [{ id: record, default: { name: 'Acme' } }];
  const first = await caller.update(items, undefined, headers);
  expect(first.status).toBe(200);
  const second = await caller.update(items, undefined, headers);
  expect([second.text, second.headers['idempotent-replay']]).toEqual([first.text, 'true']);
  return (await replays()) > before;
}

/** The number of the master that has the keys of the team. */
async function masterOfTeam(): Promise<number> {
  const [first] = cluster.nodes;
  const admin = new Redis(first?.url ?? '');
  const slot = await admin.cluster('KEYSLOT', `{${caller.teamId}}`);
  const ranges = await admin.cluster('SLOTS');
  admin.disconnect();
  const range = ranges.find(([from, to]) => from <= slot && slot <= to);
  return cluster.nodes.findIndex(({ port }) => port === range?.[2]?.[1]);
}

it('a replica that replaces its master is used without a restart; meanwhile requests are served without Redis', async () => {
  await expect.poll(isReplayedByRedis, { timeout: 20_000 }).toBe(true);
  const former = await masterOfTeam();
  await cluster.nodes[former]?.kill();
  await expect.poll(isReplayedByRedis, { timeout: 25_000 }).toBe(true);
});
