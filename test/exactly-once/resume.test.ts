// @module-tag redis-server
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { migrate } from '#libs/database';
import { type ApiResponse, ApiClient } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';
import { PostgresServer } from '../support/postgres.server';
import { RawSocket } from '../support/raw.socket';
import { Session } from '../support/session';
import { etagOf } from '../support/etags';

/** Ends an item that waits for a locked record, while the request has much time left. */
const shortLockTimeout = { LOCK_TIMEOUT_MS: '500' };

interface Keyed {
  readonly headers: Record<string, string>;
  readonly ids: readonly string[];
  readonly items: readonly unknown[];
}

/** A batch with a key that renames new records. */
async function keyedBatch(caller: ApiClient, count: number): Promise<Keyed> {
  const ids = await Promise.all(Array.from({ length: count }, () => caller.create()));
  const items = ids.map((id) => ({ id, default: { name: 'Renamed' } }));
  return { headers: { 'idempotency-key': randomUUID() }, ids, items };
}

function send(caller: ApiClient, { items, headers }: Keyed, options?: object): Promise<ApiResponse> {
  return caller.update([...items], options, headers);
}

async function versionsOf(caller: ApiClient, { ids }: Keyed): Promise<number[]> {
  return Promise.all(ids.map(async (id) => (await caller.read(id)).version));
}

/** For each item, whether it was replayed, or the code of its error. */
function marksOf({ body }: ApiResponse): unknown[] {
  return body.results.map((result: any) => result.error?.code ?? result.replayed ?? false);
}

function isReplay({ headers }: ApiResponse): boolean {
  return headers['idempotent-replay'] === 'true';
}

/** Locks all records of the batch but the first one while `use` runs. */
async function withLockedRecords<T>(
  gateway: TestGateway,
  caller: ApiClient,
  batch: Keyed,
  use: () => Promise<T>,
): Promise<T> {
  const session = await Session.open(gateway.databaseUrl);
  try {
    await session.hold(caller.teamId, batch.ids.slice(1));
    return await use();
  } finally {
    await session.release();
    await session.close();
  }
}

/** Leaves a batch with only its first item applied. */
async function leaveUnfinished(gateway: TestGateway, caller: ApiClient, batch: Keyed): Promise<void> {
  const response = await withLockedRecords(gateway, caller, batch, () => send(caller, batch));
  expect(marksOf(response)).toEqual([false, ...Array(batch.ids.length - 1).fill('locked')]);
}

function at(gateway: TestGateway, caller: ApiClient): ApiClient {
  return new ApiClient(gateway.url, caller.document, caller.credentials);
}

describe.each([
  ['with Redis', {}],
  ['without Redis', { REDIS_URL: '' }],
])('two gateways %s', (redis, settings) => {
  let gateway: TestGateway;
  let other: TestGateway;
  let caller: ApiClient;

  beforeAll(async () => {
    gateway = await startGateway({ settings: { ...shortLockTimeout, ...settings } });
    other = await startGateway({ settings: { ...shortLockTimeout, ...settings }, databaseUrl: gateway.databaseUrl });
    caller = await gateway.newCaller();
  });
  afterAll(async () => {
    await other.close();
    await gateway.close();
  });

  it('apply fifty identical concurrent requests once', async () => {
    const batch = await keyedBatch(caller, 5);
    const callers = [caller, at(other, caller)];
    const responses = await Promise.all(
      Array.from({ length: 25 }, () => callers.map((each) => send(each, batch))).flat(),
    );
    const rejected = responses.filter(({ status }) => status !== 200);
    for (const { body } of rejected) expect(body.error.code).toBe('idempotency_key_in_use');
    if (redis === 'without Redis') expect(rejected).toEqual([]);
    const texts = responses.filter(({ status }) => status === 200).map(({ text }) => text);
    expect(new Set(texts.map((text) => text.replaceAll(', "replayed": true', ''))).size).toBe(1);
    expect(await versionsOf(caller, batch)).toEqual(Array(5).fill(2));
  });

  it("complete each other's batch after the API key was rotated and revoked", async () => {
    const old = await gateway.newCaller();
    const batch = await keyedBatch(old, 3);
    await leaveUnfinished(gateway, old, batch);
    const { apiKey, keyId } = await gateway.access.rotateKey(old.teamId, old.credentials.keyId);
    await gateway.access.revokeKey(old.teamId, old.credentials.keyId);
    const fresh = new ApiClient(other.url, old.document, { teamId: old.teamId, apiKey, keyId });
    const response = await send(fresh, batch);
    expect(marksOf(response)).toEqual([true, false, false]);
    expect(await versionsOf(fresh, batch)).toEqual([2, 2, 2]);
  });

  it.each([{ on_error: 'stop' }, { on_error: 'rollback' }, { return: 'minimal' }])(
    'reject the completion of a batch with other options: %o',
    async (options) => {
      const batch = await keyedBatch(caller, 3);
      await leaveUnfinished(gateway, caller, batch);
      const rejected = await send(at(other, caller), batch, options);
      expect([rejected.status, rejected.body.error.code]).toEqual([409, 'idempotency_key_mismatch']);
      expect(await versionsOf(caller, batch)).toEqual([2, 1, 1]);
      expect(marksOf(await send(caller, batch))).toEqual([true, false, false]);
      expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
    },
  );

  it('let a dry run neither complete nor block a batch', async () => {
    const batch = await keyedBatch(caller, 3);
    await leaveUnfinished(gateway, caller, batch);
    const before = await versionsOf(caller, batch);
    expect(before).toEqual([2, 1, 1]);
    const dry = await send(at(other, caller), batch, { dry_run: true });
    expect(dry.body.results.map(({ etag }: any) => etag)).toEqual(before.map((version) => etagOf(version + 1)));
    expect(marksOf(await send(caller, batch))).toEqual([true, false, false]);
    expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
  });

  it.each([
    ['a page of Postgres', 3],
    ['a response that Redis stores', 8],
  ])('replay byte for byte a response larger than %s', async (_, count) => {
    const { headers, ids } = await keyedBatch(caller, count);
    // Incompressible, and longer in bytes than in characters.
    const notes = ids.map(() => `"\\ü😀\u2028${randomBytes(90_000).toString('base64')}`);
    const large = { headers, ids, items: ids.map((id, index) => ({ id, default: { notes: notes[index] } })) };
    const first = await send(caller, large);
    expect(first.body.results.map((result: any) => result.record.default.notes)).toEqual(notes);
    for (const each of [at(other, caller), caller]) {
      const replay = await send(each, large);
      expect(isReplay(replay)).toBe(true);
      expect(replay.text === first.text).toBe(true);
    }
    expect(await versionsOf(caller, large)).toEqual(Array(count).fill(2));
  });

  it('complete a batch whose client disconnected, and replay it to the retry', async () => {
    const batch = await keyedBatch(caller, 3);
    const retry = await withLockedRecords(gateway, caller, batch, async () => {
      const socket = await RawSocket.open(gateway.url);
      await socket.send(bytesOf(caller, batch));
      await waitForLockedBatch(gateway);
      socket.destroy();
      return { pending: send(at(other, caller), batch) };
    });
    const response = await retry.pending;
    if (response.status !== 200) expect(response.body.error.code).toBe('idempotency_key_in_use');
    const settled = await untilResponse(at(other, caller), batch);
    expect(settled.body.summary).toEqual({ total: 3, succeeded: 3, failed: 0 });
    expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
  });

  it('do not claim a request whose client disconnected before it was complete', async () => {
    const batch = await keyedBatch(caller, 3);
    const bytes = bytesOf(caller, batch);
    const socket = await RawSocket.open(gateway.url);
    await socket.send(bytes.subarray(0, -10));
    socket.destroy();
    const response = await send(caller, batch);
    expect([response.status, isReplay(response), marksOf(response)]).toEqual([200, false, [false, false, false]]);
    expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
  });
});

/** The bytes of the HTTP request. */
function bytesOf(caller: ApiClient, { items, headers }: Keyed): Buffer {
  const body = JSON.stringify({ items });
  const head = {
    host: 'gateway',
    'x-api-key': caller.credentials.apiKey,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST ${caller.path('organization/batch/update')} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}

/** Resolves when a batch waits for a record. */
async function waitForLockedBatch(gateway: TestGateway): Promise<void> {
  const observer = await Session.open(gateway.databaseUrl);
  while ((await observer.lockWaiters()) === 0) await sleep(5);
  await observer.close();
}

/** Retries while the database is unavailable or another attempt is running. */
async function untilResponse(caller: ApiClient, batch: Keyed): Promise<ApiResponse> {
  for (;;) {
    const response = await send(caller, batch);
    const open =
      response.status === 200 && response.body.results.some((result: any) => result.error?.retryable === true);
    if (response.status === 200 && !open) return response;
    expect(['unavailable', 'idempotency_key_in_use', undefined]).toContain(response.body.error?.code);
    await sleep(20);
  }
}

describe('Postgres, restored to an earlier time while Redis still has the responses,', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await PostgresServer.create();
    await migrate(server.url);
  });
  afterAll(() => server.remove());

  async function startOnServer(): Promise<{ gateway: TestGateway; caller: ApiClient }> {
    const gateway = await startGateway({ databaseUrl: server.url, settings: shortLockTimeout });
    onTestFinished(() => gateway.close());
    return { gateway, caller: await gateway.newCaller() };
  }

  async function backUp(): Promise<void> {
    await server.stop('fast');
    server.saveData();
    await server.start();
  }

  async function restore(): Promise<void> {
    await server.stop('fast');
    server.restoreData();
    await server.start();
  }

  it('executes a lost request again once, and replays it', async () => {
    const { caller } = await startOnServer();
    const batch = await keyedBatch(caller, 3);
    await backUp();
    await untilResponse(caller, batch);
    expect(isReplay(await send(caller, batch))).toBe(true);
    await restore();

    const again = await untilResponse(caller, batch);
    expect([isReplay(again), marksOf(again)]).toEqual([false, [false, false, false]]);
    expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
    const replay = await send(caller, batch);
    expect([isReplay(replay), replay.text]).toEqual([true, again.text]);
    expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
  });

  it('resumes an incomplete request', async () => {
    const { gateway, caller } = await startOnServer();
    const batch = await keyedBatch(caller, 3);
    await leaveUnfinished(gateway, caller, batch);
    await backUp();
    await untilResponse(caller, batch);
    await restore();

    const resumed = await untilResponse(caller, batch);
    expect(isReplay(resumed)).toBe(false);
    expect(marksOf(resumed)).toEqual([true, false, false]);
    expect(await versionsOf(caller, batch)).toEqual([2, 2, 2]);
    expect(isReplay(await send(caller, batch))).toBe(true);
  });
});
