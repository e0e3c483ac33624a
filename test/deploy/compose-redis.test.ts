// @module-tag redis-server
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { startRedis } from '../support/redis.server';
import { interpolated } from './compose.variables';

interface Compose {
  services: Record<string, { command?: string[]; environment?: Record<string, string> }>;
}

it('the Redis of docker-compose.yml accepts its gateways and rejects a client without the password', async () => {
  const { services } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose; // valid: compose.spec.ts
  const [program, ...options] = (services.redis?.command ?? []).map(interpolated);
  expect(program).toBe('redis-server');
  const redis = await startRedis({ arguments: options });
  const url = interpolated(services['gateway-1']?.environment?.REDIS_URL ?? '');
  const authenticated = new Redis(url.replace('redis:6379', `127.0.0.1:${redis.port}`), { lazyConnect: true });
  const anonymous = new Redis(redis.url, { lazyConnect: true, enableReadyCheck: false });
  expect(await authenticated.ping()).toBe('PONG');
  await expect(anonymous.ping()).rejects.toThrow('NOAUTH');
  authenticated.disconnect();
  anonymous.disconnect();
  await redis.kill();
});
