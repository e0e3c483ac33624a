// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { type RedisServer, startRedis } from '../support/redis.server';
import { MASTER_NAME, type Sentinel, startSentinel } from '../support/redis.topology';

const CALLERS = 4;
const RECOVERY = { timeout: 20_000, interval: 50 };

let master: RedisServer;
let replica: RedisServer;
let sentinels: Sentinel[];
let admin: Redis;
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  master = await startRedis();
  replica = await startRedis({ arguments: ['--replicaof', '127.0.0.1', String(master.port)] });
  admin = new Redis(replica.url);
  await vi.waitFor(async () => {
    expect(await admin.info('replication')).toContain('master_link_status:up');
  }, RECOVERY);
  const setup = { masterPort: master.port, quorum: 2 };
  sentinels = await Promise.all([startSentinel(setup), startSentinel(setup), startSentinel(setup)]);
  const [first] = sentinels;
  const monitor = new Redis({ port: first?.port ?? 0 });
  await vi.waitFor(async () => {
    const info = await monitor.info('sentinel');
    expect(info).toContain('slaves=1,sentinels=3');
  }, RECOVERY);
  monitor.disconnect();
  gateway = await startGateway({
    settings: {
      REDIS_URL: `redis://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}`,
      REDIS_MODE: 'sentinel',
      REDIS_SENTINEL_MASTER: MASTER_NAME,
      REDIS_TIMEOUT_MS: '200',
    },
  });
  caller = await gateway.newCaller();
});

afterAll(async () => {
  await gateway.close();
  admin.disconnect();
  await Promise.all([...sentinels.map((sentinel) => sentinel.stop()), master.kill(), replica.kill()]);
});

const redisHealth = async (): Promise<unknown> => (await caller.call('GET', '/health/ready')).body.checks.redis;

interface Writer {
  writes: number;
  stop(): Promise<void>;
}

/** Patches a record again and again, each time with a new key, and repeats each request, whose response must be the same. */
function startWriter(id: string): Writer {
  const stopping = new AbortController();
  const writer = { writes: 0, stop };
  const done = (async () => {
    while (!stopping.signal.aborted) {
      const items = [{ id, default: { name: `Name ${writer.writes}` } }];
      const headers = { 'idempotency-key': randomUUID() };
      const first = await caller.update(items, undefined, headers);
      expect(first).toMatchObject({ status: 200, body: { summary: { succeeded: 1 } } });
      const replay = await caller.update(items, undefined, headers);
      expect([replay.status, replay.text, replay.headers['idempotent-replay']]).toEqual([200, first.text, 'true']);
      writer.writes += 1;
    }
  })();
  function stop(): Promise<void> {
    stopping.abort();
    return done;
  }
  return writer;
}

it('the promoted replica is used without a restart, and until then every write is applied once', async () => {
  expect(await redisHealth()).toBe('up');
  const records = await Promise.all(Array.from({ length: CALLERS }, () => caller.create()));
  const writers = records.map(startWriter);
  const flows = async (count: number): Promise<void> => {
    const wanted = writers.map(({ writes }) => writes + count);
    while (writers.some(({ writes }, n) => writes < (wanted[n] ?? 0))) await sleep(10);
  };
  await flows(10);
  expect(await admin.keys('prism:*:idempotency:*')).not.toEqual([]);
  await master.kill();
  await vi.waitFor(async () => {
    expect(await redisHealth()).toBe('down');
  }, RECOVERY);
  await flows(10);
  await vi.waitFor(async () => {
    expect(await redisHealth()).toBe('up');
  }, RECOVERY);
  expect((await admin.role())[0]).toBe('master');
  await admin.flushall();
  await flows(10);
  await Promise.all(writers.map((writer) => writer.stop()));
  // The claims and responses since the failover.
  expect(await admin.keys('prism:*:idempotency:*')).not.toEqual([]);
  const versions = await Promise.all(records.map(async (id) => (await caller.read(id)).version));
  expect(versions).toEqual(writers.map(({ writes }) => writes + 1));
});
