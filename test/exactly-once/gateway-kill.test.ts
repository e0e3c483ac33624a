// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { GatewayProcess } from '../support/gateway.process';
import { Session } from '../support/session';

/*
 * How long a killed gateway keeps its keys. The lease of a claim is 3 s, whatever the deadline of the request is.
 */

const LEASE_MS = 3_000;

let survivor: TestGateway;
let redis: Redis;

beforeAll(async () => {
  survivor = await startGateway();
  redis = new Redis(inject('redisUrl'));
});
afterAll(async () => {
  redis.disconnect();
  await survivor.close();
});

it('releases the key of a killed gateway when its lease ends, and a retry then completes the batch', async () => {
  const caller = await survivor.newCaller();
  const ids = [await caller.create(), await caller.create()];
  const items = ids.map((id) => ({ id, default: { name: 'Patched' } }));
  const headers = { 'idempotency-key': randomUUID() };

  const holder = await Session.open(survivor.databaseUrl);
  await holder.hold(caller.teamId, ids.slice(1));
  const killed = GatewayProcess.start({
    DATABASE_URL: survivor.databaseUrl,
    REDIS_URL: inject('redisUrl'),
    LOCK_TIMEOUT_MS: '25000',
  });
  const { api } = await killed.listening();
  const first = new ApiClient(api, caller.document, caller.credentials)
    .update(items, undefined, headers)
    .catch(() => 'lost');
  await expect.poll(() => holder.lockWaiters()).toBe(1);
  killed.signal('SIGKILL');
  await killed.exit();
  expect(await first).toBe('lost');

  const [claim = ''] = await redis.keys(`prism:{${caller.teamId}}:idempotency:*`);
  expect(await redis.pttl(claim)).toBeLessThanOrEqual(LEASE_MS);
  const early = await caller.update(items, undefined, headers);
  if (early.status === 409) expect(Number(early.headers['retry-after'])).toBeLessThanOrEqual(LEASE_MS / 1_000);

  // Nobody renews the claim.
  await expect.poll(() => redis.exists(claim), { timeout: 10_000 }).toBe(0);
  await holder.release();
  await holder.close();
  const retry = await caller.update(items, undefined, headers);
  expect(retry.body).toMatchObject({ results: [{ replayed: true }, { status: 'ok' }], summary: { succeeded: 2 } });
  expect(await Promise.all(ids.map(async (id) => (await caller.read(id)).version))).toEqual([2, 2]);
});
