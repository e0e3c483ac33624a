// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { type RedisServer, startRedis } from '../support/redis.server';
import { startGateway, type TestGateway } from '../support/gateway';

let redis: RedisServer;
let admin: Redis;
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  redis = await startRedis({ arguments: ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'] });
  admin = new Redis(redis.url);
  gateway = await startGateway({ settings: { REDIS_URL: redis.url, RATE_LIMIT_ITEMS_PER_SECOND: '1000' } });
  caller = await gateway.newCaller();
});

afterAll(async () => {
  await gateway.close();
  admin.disconnect();
  await redis.kill();
});

/** Stores values of 1 kB until Redis rejects the next one. */
async function fill(): Promise<void> {
  for (let n = 0; ; n += 1) {
    try {
      await admin.set(`filler:${n}`, 'x'.repeat(1_000));
    } catch (error) {
      expect(String(error)).toContain('OOM');
      return;
    }
  }
}

const claims = (): Promise<string[]> => admin.keys('prism:*:idempotency:*');

it('a full Redis keeps no claim: a retry gets the response from the ledger at once', async () => {
  const id = await caller.create();
  await fill();
  for (let n = 0; n < 20; n += 1) {
    const options = {
      headers: { 'idempotency-key': randomUUID() },
      body: { items: [{ id, default: { name: `Name ${n}` } }] },
    };
    const path = caller.path('organization/batch/update');
    const first = await caller.call('POST', path, options);
    expect(first).toMatchObject({ status: 200, body: { summary: { succeeded: 1 } } });
    expect(await claims()).toEqual([]);
    const retry = await caller.call('POST', path, options);
    expect([retry.status, retry.headers['idempotent-replay']]).toEqual([200, 'true']);
    expect(retry.body).toEqual(first.body);
    expect(await claims()).toEqual([]);
  }
});
