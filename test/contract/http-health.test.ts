import { Database } from '#libs/database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Lifecycle } from '../../apps/gateway/http/lifecycle';
import type { ApiClient } from '../support/api.client';
import { createDatabase, type TestDatabase } from '../support/database';
import { startGateway, type TestGateway } from '../support/gateway';
import { startRedis } from '../support/redis.server';
import { TcpProxy } from '../support/tcp.proxy';

let database: TestDatabase;
let proxy: TcpProxy;
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await TcpProxy.before(database.url);
  gateway = await startGateway({ databaseUrl: proxy.through(database.url) });
  caller = await gateway.newCaller();
});

afterEach(() => {
  proxy.resume();
});

afterAll(async () => {
  await gateway.close();
  proxy.close();
  await database.drop();
});

describe('readiness', () => {
  it('is 200 while Postgres responds and the migrations are current', { tags: ['redis-server'] }, async () => {
    const { status, body } = await caller.call('GET', '/health/ready', { headers: { 'x-api-key': '' } });
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'ok',
      checks: { postgres: 'up', migrations: 'current', redis: 'up', draining: false },
    });
  });

  it.each([
    [
      'refuses connections',
      (): void => {
        proxy.cut();
      },
    ],
    [
      'does not respond',
      (): void => {
        proxy.stall();
      },
    ],
  ])('responds 503 when Postgres %s, and 200 when it is back', async (_, disturb) => {
    disturb();
    const { status, headers, body } = await caller.call('GET', '/health/ready');
    expect(status).toBe(503);
    expect(headers['retry-after']).toBe('1');
    expect(body).toMatchObject({
      status: 'unavailable',
      checks: { postgres: 'down', migrations: 'unknown' },
      error: { code: 'unavailable', request_id: headers['x-request-id'] },
    });
    expect((await caller.call('GET', '/health/live')).status).toBe(200);

    proxy.resume();
    expect((await caller.call('GET', '/health/ready')).status).toBe(200);
  });

  it('does not need a connection of the data pool', async () => {
    const release: (() => void)[] = [];
    const pool = gateway.app.get(Database);
    const busy = Array.from({ length: 10 }, () =>
      pool.withClient(() => new Promise<void>((resolve) => release.push(resolve))),
    );
    await expect.poll(() => release.length).toBe(10);
    expect((await caller.call('GET', '/health/ready')).status).toBe(200);
    for (const end of release) end();
    await Promise.all(busy);
  });

  it('is 503 while migrations are pending', async () => {
    const empty = await createDatabase({ migrated: false });
    const other = await startGateway({ databaseUrl: empty.url });
    const { status, body } = await callOther(other, '/health/ready');
    expect([status, body.checks]).toMatchObject([503, { postgres: 'up', migrations: 'pending' }]);
    expect(body.error?.message).toContain('migrat');
    await other.close();
    await empty.drop();
  });

  it('is degraded with 200 while Redis is down, and ok if none is configured', { tags: ['redis-server'] }, async () => {
    const redis = await startRedis();
    const other = await startGateway({ databaseUrl: database.url, settings: { REDIS_URL: redis.url } });
    await redis.kill();
    await expect
      .poll(async () => (await callOther(other, '/health/ready')).body.checks.redis, { timeout: 5_000 })
      .toBe('down');
    expect(await callOther(other, '/health/ready')).toMatchObject({ status: 200, body: { status: 'degraded' } });
    await other.close();

    const none = await startGateway({ databaseUrl: database.url, settings: { REDIS_URL: '' } });
    expect(await callOther(none, '/health/ready')).toMatchObject({
      status: 200,
      body: { status: 'ok', checks: { redis: 'disabled' } },
    });
    await none.close();
  });

  it('is 503 as soon as the process drains, while requests are still served', async () => {
    const other = await startGateway({ databaseUrl: database.url });
    other.app.get(Lifecycle).drain();
    expect(await callOther(other, '/health/ready')).toMatchObject({
      status: 503,
      body: { checks: { postgres: 'up', draining: true } },
    });
    const served = await fetch(`${other.url}/openapi.json`);
    expect(served.status).toBe(200);
    // New connections are still accepted: after a response that closes its connection, the client could connect here again.
    expect(served.headers.get('connection')).toBe('keep-alive');
    await served.text();
    await other.close();
  });
});

interface Readiness {
  status: string;
  checks: Record<string, unknown>;
  error?: { message: string };
}

async function callOther(other: TestGateway, path: string): Promise<{ status: number; body: Readiness }> {
  const response = await fetch(other.url + path);
  return { status: response.status, body: (await response.json()) as Readiness }; // checked against the document above
}
