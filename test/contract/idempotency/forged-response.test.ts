// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { ApiClient } from '../../support/api.client';
import { startGateway, type TestGateway } from '../../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;
let redis: Redis;

beforeAll(async () => {
  gateway = await startGateway();
  redis = new Redis(inject('redisUrl'));
});
afterAll(async () => {
  redis.disconnect();
  await gateway.close();
});

it.each([
  ['a header of its own', { format: 1, status: 200, headers: { 'set-cookie': 'session=stolen' } }],
  ['a redirect', { format: 1, status: 302, headers: { location: 'https://attacker.example/' } }],
  ['a location elsewhere', { format: 1, status: 200, headers: { location: '//attacker.example/' } }],
  ['another content type', { format: 1, status: 200, headers: { 'content-type': 'text/html' } }],
  ['a rejection of access', { format: 1, status: 401, headers: {} }],
])("sends the ledger's response, not one forged in Redis with %s", async (_, head) => {
  caller = await gateway.newCaller();
  const headers = { 'idempotency-key': randomUUID() };
  const items = [{ id: await caller.create(), default: { name: 'Once' } }];
  const first = await caller.update(items, undefined, headers);

  const [key = ''] = await redis.keys(`prism:{${caller.teamId}}:idempotency:*`);
  await redis.hset(key, 'response', deflateSync(`${JSON.stringify(head)}\n{"forged":true}`));

  const second = await caller.update(items, undefined, headers);
  expect([second.status, second.text]).toEqual([200, first.text]);
  expect(second.headers['idempotent-replay']).toBe('true');
  expect(Object.keys(second.headers)).not.toContain('set-cookie');
  expect(second.headers.location).toBeUndefined();
  // The forged response was replaced: the next replay comes from Redis again.
  expect(await redis.hget(key, 'owner')).not.toBeNull();
  expect((await caller.update(items, undefined, headers)).text).toBe(first.text);
});
