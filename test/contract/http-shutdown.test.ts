import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../../apps/gateway/http/connections';
import { Lifecycle } from '../../apps/gateway/http/lifecycle';
import { shutDown } from '../../apps/gateway/shutdown';
import type { ApiClient } from '../support/api.client';
import { createDatabase, type TestDatabase } from '../support/database';
import { startGateway, type TestGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';
import { Session } from '../support/session';

const DRAIN_MS = 2_000;

let database: TestDatabase;
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  database = await createDatabase();
});

beforeEach(async () => {
  gateway = await startGateway({ databaseUrl: database.url, settings: { LOCK_TIMEOUT_MS: '20000' } });
  caller = await gateway.newCaller();
});

afterAll(() => database.drop());

/** Does what `main` does on SIGTERM. */
function stop({ drainDelayMs = 0, drainGraceMs = 0, requestTimeoutMs = 30_000 } = {}): Promise<void> {
  const { app } = gateway;
  return shutDown({
    lifecycle: app.get(Lifecycle),
    connections: app.get(Connections),
    drainDelayMs,
    drainGraceMs,
    requestTimeoutMs,
    close: () => gateway.close(),
  });
}

async function isRejected(): Promise<boolean> {
  try {
    (await RawSocket.open(gateway.url)).destroy();
    return false;
  } catch {
    return true;
  }
}

const LIVE = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n';

describe('a graceful shutdown', () => {
  it('fails readiness at once and serves requests during the drain delay', async () => {
    const stopped = stop({ drainDelayMs: DRAIN_MS });
    expect((await caller.call('GET', '/health/ready')).status).toBe(503);
    const id = await caller.create();
    expect((await caller.update([{ id, default: { name: 'B' } }])).body).toMatchObject({ summary: { succeeded: 1 } });
    await stopped;
    expect(await isRejected()).toBe(true);
  });

  it('finishes a batch in flight, accepts no new connection, and closes the connection after the response', async () => {
    const id = await caller.create();
    let response: ReturnType<ApiClient['update']> | undefined;
    let stopped: Promise<void> | undefined;
    await gateway.database.transaction(async (client) => {
      await client.query('SELECT FROM records WHERE team_id = $1 AND id = $2 FOR UPDATE', [caller.teamId, id]);
      response = caller.update([{ id, default: { name: 'B' } }]);
      await expect.poll(() => waiters(), { timeout: 5_000 }).toBe(1);
      stopped = stop();
      await expect.poll(isRejected, { timeout: 5_000 }).toBe(true);
    });
    expect(await response).toMatchObject({
      status: 200,
      headers: { connection: 'close' },
      body: { summary: { succeeded: 1 } },
    });
    await stopped;
  });

  it('serves open connections after the listener is closed, and closes each after its response', async () => {
    const silent = await RawSocket.open(gateway.url);
    const idle = await RawSocket.open(gateway.url);
    await idle.send(LIVE);
    expect((await idle.response()).headers.connection).toBe('keep-alive');
    const stopped = stop({ drainGraceMs: DRAIN_MS });
    await expect.poll(isRejected, { timeout: 5_000 }).toBe(true);
    for (const socket of [silent, idle]) {
      await socket.send(LIVE);
      const response = await socket.response();
      expect([response.status, response.headers.connection]).toEqual([200, 'close']);
      expect(await socket.end()).toBe('');
    }
    await stopped;
  });

  it('closes no connection during the drain delay: its client could connect here again', async () => {
    const socket = await RawSocket.open(gateway.url);
    const stopped = stop({ drainDelayMs: DRAIN_MS });
    await socket.send(LIVE);
    expect((await socket.response()).headers.connection).toBe('keep-alive');
    await stopped;
  });

  it('closes idle connections at the end of the grace period', async () => {
    const silent = await RawSocket.open(gateway.url);
    const idle = await RawSocket.open(gateway.url);
    await idle.send(LIVE);
    await idle.response();
    // Far beyond the test's own timeout: a stop that waited for these connections would fail the test.
    await stop({ requestTimeoutMs: 3_600_000 });
    expect([await silent.end(), await idle.end()]).toEqual(['', '']);
  });

  it('responds to a request whose body is still arriving, and closes its connection', async () => {
    const socket = await beginUpload();
    const stopped = stop();
    await expect.poll(isRejected, { timeout: 5_000 }).toBe(true);
    await socket.send(`{}${LIVE}`);
    const response = await socket.response();
    expect([response.status, response.headers.connection]).toEqual([400, 'close']);
    expect(await socket.end()).toBe('');
    await stopped;
  });

  it('closes a stalled connection after the deadline', async () => {
    const socket = await beginUpload();
    await stop({ requestTimeoutMs: 100 });
    expect(await socket.end()).toBe('');
  });
});

/** A request in flight, whose body of two bytes has not arrived. */
async function beginUpload(): Promise<RawSocket> {
  const socket = await RawSocket.open(gateway.url);
  const headers = `host: x\r\nx-api-key: ${caller.credentials.apiKey}\r\ncontent-type: application/json`;
  const start = `POST ${caller.path('organization/batch/update')} HTTP/1.1\r\n${headers}`;
  await socket.send(`${start}\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n`);
  expect((await socket.response()).status).toBe(100);
  return socket;
}

async function waiters(): Promise<number> {
  const observer = await Session.open(gateway.databaseUrl);
  const waiting = await observer.lockWaiters();
  await observer.close();
  return waiting;
}
