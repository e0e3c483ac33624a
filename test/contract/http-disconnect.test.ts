import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Instruments } from '#libs/telemetry';
import type { ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { RawSocket } from '../support/raw.socket';
import { Session } from '../support/session';

let gateway: TestGateway;
let caller: ApiClient;
let session: Session;
let ids: string[];

beforeAll(async () => {
  // One client gets two of the three connections.
  gateway = await startGateway({ settings: { LOCK_TIMEOUT_MS: '20000', DATABASE_POOL_SIZE: '3' } });
  caller = await gateway.newCaller();
  session = await Session.open(gateway.databaseUrl);
});
beforeEach(async () => {
  ids = await Promise.all(Array.from({ length: 4 }, () => caller.create()));
});
afterEach(() => session.release());
afterAll(async () => {
  await session.close();
  await gateway.close();
});

const items = (): object[] => ids.map((id) => ({ id, default: { name: 'Renamed' } }));

function requestOf(key: string, batch = items()): string {
  const body = JSON.stringify({ items: batch });
  const lines = {
    host: 'gateway',
    'x-api-key': caller.credentials.apiKey,
    'idempotency-key': key,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
  };
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`);
  return [`POST ${caller.path('organization/batch/update')} HTTP/1.1`, ...head, '', body].join('\r\n');
}

async function versions(): Promise<number[]> {
  return Promise.all(ids.map(async (id) => (await caller.read(id)).version));
}

/** Sends the request and resolves when its second item waits for a record's lock. */
async function stuck(key: string): Promise<RawSocket> {
  await session.hold(caller.teamId, ids.slice(1, 2));
  const socket = await RawSocket.open(gateway.url);
  await socket.send(requestOf(key));
  await expect.poll(() => session.lockWaiters()).toBe(1);
  return socket;
}

async function counted(metric: string, labels: Record<string, unknown>): Promise<number> {
  const found = await gateway.app.get(Instruments).registry.getSingleMetric(metric)?.get();
  return (found?.values ?? [])
    .filter((value) => Object.entries(labels).every(([name, label]) => value.labels[name] === label))
    .reduce((sum, { value }) => sum + value, 0);
}

const canceledItems = (): Promise<number> => counted('prism_batch_items_total', { outcome: 'canceled' });
const canceledRequests = (): Promise<number> => counted('prism_http_requests_total', { status: 499 });

/** Retries as clients do, until the claim of the canceled attempt is released. */
async function retry(key: string): Promise<{ status: number; body: any }> {
  for (;;) {
    const response = await caller.update(items(), undefined, { 'idempotency-key': key });
    if (response.status !== 409) return response;
  }
}

describe('a client that disconnects', () => {
  it.each([
    [
      'by closing the connection',
      (socket: RawSocket): void => {
        socket.destroy();
      },
    ],
    [
      'by ending its side of the connection',
      (socket: RawSocket): void => {
        socket.endSending();
      },
    ],
  ])('stops its remaining items, and its retry resumes them: %s', async (_, disconnect) => {
    const before = { items: await canceledItems(), requests: await canceledRequests() };
    const key = randomUUID();
    const socket = await stuck(key);
    disconnect(socket);
    await expect.poll(() => session.lockWaiters()).toBe(0); // long before the lock timeout
    expect(await socket.end()).toBe('');
    await expect.poll(canceledItems).toBeGreaterThan(before.items);
    expect(await canceledRequests()).toBe(before.requests + 1);
    expect(await versions()).toEqual([2, 1, 1, 1]);

    await session.release();
    const { status, body } = await retry(key);
    expect(status).toBe(200);
    expect(body.results.map((result: { replayed?: boolean }) => result.replayed === true)).toEqual([
      true,
      false,
      false,
      false,
    ]);
    expect(await versions()).toEqual([2, 2, 2, 2]);
  });

  it('counts neither as a database error nor as a server error', async () => {
    const faults = (): Promise<number[]> =>
      Promise.all([
        counted('prism_database_errors_total', {}),
        counted('prism_batch_items_total', { outcome: 'error' }),
      ]);
    const before = await faults();
    const canceled = await canceledItems();
    const socket = await stuck(randomUUID());
    socket.destroy();
    await expect.poll(canceledItems).toBeGreaterThan(canceled);
    expect(await faults()).toEqual(before);
  });

  it('stops every request of the connection', async () => {
    const keys = [randomUUID(), randomUUID()];
    await session.hold(caller.teamId, ids.slice(0, 1));
    const socket = await RawSocket.open(gateway.url);
    await socket.send(keys.map((key) => requestOf(key)).join(''));
    await expect.poll(() => session.lockWaiters()).toBe(2);
    const before = await canceledRequests();
    socket.destroy();
    await expect.poll(() => session.lockWaiters()).toBe(0);
    await expect.poll(canceledRequests).toBe(before + 2);
    expect(await versions()).toEqual([1, 1, 1, 1]);
  });

  it('while its request is queued has no item executed', async () => {
    const [first, second] = [await stuck(randomUUID()), await RawSocket.open(gateway.url)];
    await second.send(requestOf(randomUUID(), items().slice(1, 2)));
    await expect.poll(() => session.lockWaiters()).toBe(2);
    const inLine = (): Promise<number> => counted('prism_admission_queue_length', { stage: 'work' });
    const third = await RawSocket.open(gateway.url);
    const key = randomUUID();
    await third.send(requestOf(key, items().slice(3)));
    await expect.poll(inLine).toBe(1);
    third.destroy();
    await expect.poll(inLine).toBe(0);
    await session.release();
    expect((await first.response()).body).toMatchObject({ summary: { succeeded: 4 } });
    expect((await second.response()).status).toBe(200);
    expect(await versions()).toEqual([2, 3, 2, 2]);
    for (const socket of [first, second]) socket.destroy();
  });
});

describe('a client that stays connected', () => {
  it('has every item executed, and can reuse its connection', async () => {
    const socket = await stuck(randomUUID());
    await session.release();
    expect((await socket.response()).body).toMatchObject({ summary: { succeeded: 4 } });
    await socket.send(requestOf(randomUUID()));
    expect((await socket.response()).body).toMatchObject({ summary: { succeeded: 4 } });
    expect(await versions()).toEqual([3, 3, 3, 3]);
    socket.destroy();
  });

  it('is not affected by one that disconnects', async () => {
    await session.hold(caller.teamId, ids.slice(0, 1));
    const [leaving, staying] = [await RawSocket.open(gateway.url), await RawSocket.open(gateway.url)];
    await staying.send(requestOf(randomUUID()));
    await leaving.send(requestOf(randomUUID()));
    await expect.poll(() => session.lockWaiters()).toBe(2);
    leaving.destroy();
    await expect.poll(() => session.lockWaiters()).toBe(1);
    await session.release();
    expect((await staying.response()).body).toMatchObject({ summary: { succeeded: 4 } });
    expect(await versions()).toEqual([2, 2, 2, 2]);
    staying.destroy();
  });
});
