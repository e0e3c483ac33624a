// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Rates } from '#libs/limits';
import { Instruments } from '#libs/telemetry';
import { runAdmin } from '../../apps/admin/admin.program';
import { type ApiResponse, ApiClient } from '../support/api.client';
import { type GatewayOptions, startGateway, type TestGateway } from '../support/gateway';
import { startRedis } from '../support/redis.server';
import { Session } from '../support/session';

/** Rates so low that hardly anything drains while a test runs. */
const slow: Rates = { items: { perSecond: 1, burst: 100 } };
const slowBoth: Rates = { ...slow, requests: { perSecond: 1, burst: 50 } };

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ settings: { LOCK_TIMEOUT_MS: '50' } });
});
afterAll(() => gateway.close());

/** A client with these rate limits in a new team, another client of the team without any, and a record. */
async function limited(rates: Rates, on = gateway): Promise<{ caller: ApiClient; free: ApiClient; id: string }> {
  const free = await on.newCaller({ client: 'free' });
  const caller = await on.newCaller({ client: 'limited', teamId: free.teamId });
  await on.access.setLimits(caller.teamId, 'limited', rates);
  return { caller, free, id: await free.create() };
}

function batchBody(id: string, count: number): { items: object[] } {
  return { items: Array.from({ length: count }, () => ({ id, default: { name: 'Renamed' } })) };
}

function bytesOf(body: object | string): number {
  return Buffer.byteLength(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Sends a batch of `count` changes of one record. */
function send(caller: ApiClient, id: string, count: number, key?: string, options?: object): Promise<ApiResponse> {
  const { items } = batchBody(id, count);
  return caller.update(items, options, key === undefined ? {} : { 'idempotency-key': key });
}

/** The remaining quota by unit, from the header `RateLimit`. */
function left({ headers }: ApiResponse): Record<string, number> {
  const parts = String(headers.ratelimit).matchAll(/"(\w+)";r=(\d+);t=\d+/g);
  return Object.fromEntries([...parts].map(([, name = '', available]) => [name, Number(available)]));
}

/** Expects this many bytes of quota, plus what drained at 1 per second since the first request: less than any body. */
function expectAvailable(response: ApiResponse, bytes: number): void {
  expect(left(response).bytes).toBeGreaterThanOrEqual(bytes);
  expect(left(response).bytes).toBeLessThan(bytes + 60);
}

function expectLimited({ status, headers, body }: ApiResponse, message: RegExp): void {
  expect([status, body.error.code]).toEqual([429, 'rate_limited']);
  expect(body.error.message).toMatch(message);
  expect(String(headers['retry-after'])).toMatch(/^([1-9]|[1-5]\d|60)$/);
}

async function metric(of: TestGateway, name: string, labels: Record<string, string>): Promise<number> {
  const read = await of.app.get(Instruments).registry.getSingleMetric(name)?.get();
  const found = read?.values.find(({ labels: own }) => JSON.stringify(own) === JSON.stringify(labels));
  return found?.value ?? NaN;
}

/** Runs the callback with its own gateway. */
async function withGateway(options: GatewayOptions, use: (own: TestGateway) => Promise<void>): Promise<void> {
  const own = await startGateway(options);
  try {
    await use(own);
  } finally {
    await own.close();
  }
}

describe('a client with a rate limit', () => {
  it('receives its limits and the remaining quota', async () => {
    const { caller, id } = await limited(slowBoth);
    const response = await send(caller, id, 10);
    expect(response.status).toBe(200);
    expect(response.headers['ratelimit-policy']).toBe('"items";q=100;qu="items";w=100, "requests";q=50;w=50');
    expect(response.headers.ratelimit).toBe('"items";r=90;t=10, "requests";r=49;t=1');
  });

  it('receives 429 beyond it, with the unit, the limit and when to retry', async () => {
    const before = await metric(gateway, 'prism_rate_limited_total', { limit: 'items' });
    const { caller, id } = await limited(slow);
    await send(caller, id, 100);
    const rejected = await send(caller, id, 10);
    expectLimited(rejected, /1 items per second with a burst of 100\. Nothing was done\. Retry after (9|10) s/);
    expect(Number(rejected.headers['retry-after'])).toBeGreaterThanOrEqual(9);
    expect(rejected.headers.ratelimit).toMatch(/^"items";r=\d;t=(9|10)$/);
    expect(await metric(gateway, 'prism_rate_limited_total', { limit: 'items' })).toBe(before + 1);
  });

  it('is admitted after Retry-After', async () => {
    const { caller, id } = await limited({ items: { perSecond: 50, burst: 100 } });
    await send(caller, id, 100);
    const rejected = await send(caller, id, 100);
    expectLimited(rejected, /50 items per second/);
    await sleep(1_000 * Number(rejected.headers['retry-after']));
    expect((await send(caller, id, 100)).status).toBe(200);
  });

  it('is not charged for a rejected request, in any unit', async () => {
    const { caller, id } = await limited(slowBoth);
    await send(caller, id, 95);
    for (let i = 0; i < 5; i += 1) expectLimited(await send(caller, id, 20), /items/);
    const response = await send(caller, id, 5);
    expect(response.status).toBe(200);
    expect(left(response).requests).toBeGreaterThanOrEqual(48);
  });

  it('is held to a slow limit after the bucket of a fast one has drained', async () => {
    const { caller, id } = await limited({ ...slow, requests: { perSecond: 1_000, burst: 1_000 } });
    await send(caller, id, 100);
    await caller.read(id);
    await sleep(10);
    expectLimited(await send(caller, id, 100), /items/);
  });

  it('may send a batch larger than the burst when its bucket is empty, and waits for all of it to drain', async () => {
    const { caller, id } = await limited({ items: { perSecond: 1, burst: 10 } });
    expect((await send(caller, id, 60)).status).toBe(200);
    const rejected = await send(caller, id, 1);
    expectLimited(rejected, /burst of 10\./);
    expect(Number(rejected.headers['retry-after'])).toBeGreaterThan(40);
    expect((await caller.read(id)).version).toBe(61);
  });

  it('does not affect another client of its team', async () => {
    const { caller, free, id } = await limited(slow);
    await send(caller, id, 100);
    expectLimited(await send(caller, id, 100), /items/);
    const response = await send(free, id, 100);
    expect(response.status).toBe(200);
    expect(Object.keys(response.headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  });

  it('shares one limit between its keys', async () => {
    const { caller, id } = await limited(slow);
    const other = await gateway.newCaller({ client: 'limited', teamId: caller.teamId });
    await send(caller, id, 100);
    expectLimited(await send(other, id, 100), /items/);
  });

  it('shares one limit between gateways', async () => {
    await withGateway({ databaseUrl: gateway.databaseUrl }, async ({ url }) => {
      const { caller, id } = await limited(slow);
      await send(caller, id, 100);
      const elsewhere = new ApiClient(url, caller.document, caller.credentials);
      expectLimited(await send(elsewhere, id, 100), /items/);
    });
  });
});

describe('the cost of a request', () => {
  it('is one item for a write of one record', async () => {
    const { caller, id } = await limited(slow);
    const created = await caller.call('POST', caller.path('organization'), { body: { default: { name: 'New' } } });
    const patched = await caller.call('PATCH', caller.path(`organization/${id}`), { body: { default: {} } });
    const missing = await caller.call('PATCH', caller.path(`organization/${randomUUID()}`), { body: { default: {} } });
    expect([created, patched, missing].map(({ status }) => status)).toEqual([201, 200, 404]);
    expect([created, patched, missing].map((response) => left(response).items)).toEqual([99, 98, 97]);
    const copied = await caller.call('POST', caller.path(`organization/${id}/duplicate`));
    const deleted = await caller.call('DELETE', caller.path(`organization/${id}`));
    const restored = await caller.call('POST', caller.path(`organization/${id}/restore`));
    expect([copied, deleted, restored].map(({ status }) => status)).toEqual([201, 204, 200]);
    expect([copied, deleted, restored].map((response) => left(response).items)).toEqual([96, 95, 94]);
  });

  it('is one request and no item for a read', async () => {
    const items = await limited(slow);
    const unlimited = await items.caller.call('GET', items.caller.path(`organization/${items.id}`));
    expect([unlimited.status, unlimited.headers.ratelimit]).toEqual([200, undefined]);

    const { caller, id } = await limited({ ...slow, requests: { perSecond: 1, burst: 10 } });
    const first = await caller.call('GET', caller.path(`organization/${id}`));
    expect([first.status, first.headers.ratelimit]).toEqual([200, '"requests";r=9;t=1']);
    const responses = await Promise.all(
      Array.from({ length: 40 }, () => caller.call('GET', caller.path('properties'))),
    );
    const rejected = responses.filter(({ status }) => status !== 200);
    expect(rejected.length).toBeGreaterThan(10);
    for (const response of rejected) expectLimited(response, /1 requests per second with a burst of 10\./);
  });

  it.each([
    ['list', 'GET', 'organization', undefined],
    ['query', 'POST', 'organization/query', { query: {} }],
    ['count', 'GET', 'organization/count', undefined],
    ['find by a value', 'GET', 'organization/by/primary_domain/acme.example', undefined],
  ])('is one request for a read, and 429 beyond the limit: %s', async (_, method, path, body) => {
    const { caller } = await limited({ requests: { perSecond: 1, burst: 1 } });
    const call = (): Promise<ApiResponse> => caller.call(method, caller.path(path), body === undefined ? {} : { body });
    expect((await call()).headers.ratelimit).toBe('"requests";r=0;t=1');
    const responses = await Promise.all(Array.from({ length: 20 }, call));
    const rejected = responses.filter(({ status }) => status === 429);
    expect(rejected.length).toBeGreaterThan(0);
    for (const response of rejected) expectLimited(response, /1 requests per second with a burst of 1\./);
  });

  it('is the same for a dry run', async () => {
    const { caller, id } = await limited(slow);
    expect(left(await send(caller, id, 10, undefined, { dry_run: true })).items).toBe(90);
  });

  it('is one request and its body if it is invalid, whose error is sent beyond the limit too', async () => {
    const { caller, id } = await limited({ ...slowBoth, bytes: { perSecond: 1, burst: 1_000_000 } });
    const path = caller.path('organization/batch/update');
    const bodies = [{ items: [] }, { items: Array<object>(101).fill({ id }) }, ...Array<string>(30).fill('{')];
    for (const body of bodies) {
      const rejected = await caller.call('POST', path, { body });
      expect([rejected.status, rejected.headers.ratelimit]).toEqual([400, undefined]);
    }
    const text = await caller.call('POST', path, { body: '{}', headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(415);
    const batch = await send(caller, id, 100);
    expect([batch.status, left(batch).items]).toEqual([200, 0]);
    expect(left(batch).requests).toBeGreaterThanOrEqual(50 - 34);
    expect(left(batch).requests).toBeLessThan(50 - 1);
    const sizes = [...bodies, batchBody(id, 100)].map(bytesOf).reduce((sum, bytes) => sum + bytes, 0);
    expectAvailable(batch, 1_000_000 - sizes - Buffer.byteLength(batch.text));

    for (let i = 0; i < 60; i += 1) expect((await caller.call('POST', path, { body: '{' })).status).toBe(400);
    const reads = await Promise.all(Array.from({ length: 20 }, () => caller.call('GET', caller.path('properties'))));
    const rejected = reads.filter(({ status }) => status !== 200);
    expect(rejected.length).toBeGreaterThan(0);
    for (const read of rejected) expectLimited(read, /1 requests per second/);
  });

  it('is nothing with a 429, which does not claim the Idempotency-Key', async () => {
    const { caller, id } = await limited(slow);
    const key = randomUUID();
    await send(caller, id, 90);
    expectLimited(await send(caller, id, 50, key), /items/);
    const other = await send(caller, id, 10, key);
    expect([other.status, other.headers['idempotent-replay']]).toEqual([200, undefined]);
  });
});

describe('a replay', () => {
  it('costs nothing, and is sent when no quota remains', async () => {
    const { caller, id } = await limited({ items: { perSecond: 1, burst: 100 }, requests: { perSecond: 1, burst: 1 } });
    const key = randomUUID();
    expect((await send(caller, id, 100, key)).status).toBe(200);
    for (let i = 0; i < 5; i += 1) {
      const replay = await send(caller, id, 100, key);
      expect([replay.status, replay.headers['idempotent-replay']]).toEqual([200, 'true']);
      expect(replay.headers.ratelimit).toBeUndefined();
    }
  });

  it('of a write larger than the burst costs nothing', async () => {
    await withGateway({ settings: { REDIS_URL: '' } }, async (own) => {
      for (const on of [gateway, own]) {
        const { caller, free, id } = await limited(slowBoth, on);
        const headers = { 'idempotency-key': randomUUID() };
        const part = (name: string): object => ({ extended: { [name]: 'x'.repeat(200_000) } });
        for (const name of ['a', 'b']) await free.update([{ id, ...part(name) }]);
        const body = part('c');
        const patch = (): Promise<ApiResponse> =>
          caller.call('PATCH', caller.path(`organization/${id}`), { headers, body });
        const first = await patch();
        expect([first.status, left(first)]).toEqual([413, { items: 99, requests: 49 }]);
        for (let i = 0; i < 30; i += 1) expect((await patch()).headers['idempotent-replay']).toBe('true');
        const read = await caller.call('GET', caller.path(`organization/${id}`));
        expect(left(read).requests).toBeGreaterThanOrEqual(48);
      }
    });
  });

  it('from the ledger costs nothing', async () => {
    await withGateway({ settings: { REDIS_URL: '' } }, async (own) => {
      const { caller, id } = await limited(slowBoth, own);
      const key = randomUUID();
      await send(caller, id, 30, key);
      for (let i = 0; i < 5; i += 1) {
        const replay = await send(caller, id, 30, key);
        expect([replay.status, replay.headers['idempotent-replay']]).toEqual([200, 'true']);
        expect(left(replay).items).toBeLessThan(80);
        expect(left(replay).items).toBeGreaterThanOrEqual(70);
      }
    });
  });

  it('that resumes costs only the items that it executes', async () => {
    const { caller, free, id } = await limited(slowBoth);
    const held = await free.create();
    const session = await Session.open(gateway.databaseUrl);
    const key = { 'idempotency-key': randomUUID() };
    const items = [...Array<string>(9).fill(id), held].map((each) => ({ id: each, default: { name: 'Renamed' } }));
    try {
      await session.hold(caller.teamId, [held]);
      expect((await caller.update(items, undefined, key)).body.summary).toMatchObject({ succeeded: 9 });
    } finally {
      await session.release();
      await session.close();
    }
    const resumed = await caller.update(items, undefined, key);
    expect(resumed.body.summary).toMatchObject({ succeeded: 10 });
    expect(left(resumed).items).toBeGreaterThanOrEqual(89);
    expect(left(resumed).items).toBeLessThan(95);
    expect(left(resumed).requests).toBeGreaterThanOrEqual(48);
  });
});

describe('a limit in bytes', () => {
  const bytes = (burst: number): Rates => ({ bytes: { perSecond: 1, burst } });

  it('counts the bodies of request and response', async () => {
    const { caller, id } = await limited(bytes(100_000));
    const batch = await send(caller, id, 10);
    expect(batch.headers['ratelimit-policy']).toBe('"bytes";q=100000;qu="content-bytes";w=100000');
    let available = 100_000 - bytesOf(batchBody(id, 10)) - Buffer.byteLength(batch.text);
    expect(left(batch).bytes).toBe(available);
    const read = await caller.call('GET', caller.path(`organization/${id}`));
    available -= Buffer.byteLength(read.text);
    expectAvailable(read, available);
    // A response without a body.
    const head = await caller.call('HEAD', caller.path(`organization/${id}`), { undocumented: true });
    expect(head.status).toBe(200);
    expectAvailable(head, available);
  });

  it('rejects a request body beyond it before execution, with the unit and the limit', async () => {
    const { caller, free, id } = await limited(bytes(8_000));
    const before = await metric(gateway, 'prism_rate_limited_total', { limit: 'bytes' });
    const large = { items: [{ id, default: { name: 'x'.repeat(7_900) } }] };
    expectAvailable(await caller.call('GET', caller.path(`organization/${id}`)), 7_800);
    const rejected = await caller.call('POST', caller.path('organization/batch/update'), { body: large });
    expectLimited(rejected, /1 bytes per second with a burst of 8000\. Nothing was done/);
    expect((await free.read(id)).version).toBe(1);
    expect(await metric(gateway, 'prism_rate_limited_total', { limit: 'bytes' })).toBe(before + 1);
  });

  it('sends a response beyond it, and then rejects every request of the client on every gateway', async () => {
    await withGateway({ databaseUrl: gateway.databaseUrl }, async ({ url }) => {
      const { caller, free, id } = await limited(bytes(1_000));
      await send(free, id, 1);
      await free.update([{ id, default: { name: 'x'.repeat(2_000) } }]);
      const path = caller.path(`organization/${id}`);
      const read = await caller.call('GET', path);
      expect([read.status, left(read).bytes]).toEqual([200, 0]);
      const elsewhere = new ApiClient(url, caller.document, caller.credentials);
      for (const each of [caller, elsewhere]) {
        const rejected = await each.call('GET', path);
        expectLimited(rejected, /1 bytes per second with a burst of 1000\./);
        expect(rejected.headers['retry-after']).toBe('60');
      }
      expectLimited(await send(caller, id, 1), /bytes per second/);
      expect((await free.read(id)).version).toBe(3);
    });
  });

  it('is not charged for replays, from Redis or from the ledger', async () => {
    const replayed = async (own: TestGateway): Promise<void> => {
      const { caller, id } = await limited(bytes(100_000), own);
      const key = randomUUID();
      const first = await send(caller, id, 20, key);
      for (let i = 0; i < 3; i += 1) {
        const replay = await send(caller, id, 20, key);
        expect([replay.status, replay.headers['idempotent-replay']]).toEqual([200, 'true']);
      }
      const read = await caller.call('GET', caller.path(`organization/${id}`));
      expectAvailable(read, Number(left(first).bytes) - Buffer.byteLength(read.text));
    };
    await replayed(gateway);
    await withGateway({ settings: { REDIS_URL: '' } }, replayed);
  });
});

describe('without Redis', () => {
  it('a gateway applies the same limits by itself', async () => {
    const redis = await startRedis();
    await withGateway({ settings: { REDIS_URL: redis.url } }, async (own) => {
      const { caller, id } = await limited(slow, own);
      await send(caller, id, 100);
      expectLimited(await send(caller, id, 100), /items/);
      await redis.kill();
      expect((await send(caller, id, 100)).status).toBe(200);
      expectLimited(await send(caller, id, 100), /1 items per second with a burst of 100\./);
      expect(await metric(own, 'prism_rate_checks_total', { store: 'redis' })).toBe(2);
      expect(await metric(own, 'prism_rate_checks_total', { store: 'process' })).toBe(2);
    });
  });
});

describe('the operator', () => {
  async function admin(...args: string[]): Promise<void> {
    const output: string[] = [];
    const terminal = { write: (text: string) => output.push(text) };
    const env = { DATABASE_URL: gateway.databaseUrl };
    expect(
      await runAdmin(['client', 'limit', ...args], { env, stdout: terminal, stderr: terminal }),
      output.join(),
    ).toBe(0);
  }

  it('changes a limit while gateways serve, within 5 s', async () => {
    const caller = await gateway.newCaller({ client: 'changing' });
    const id = await caller.create();
    const policy = async (): Promise<unknown> => (await send(caller, id, 1)).headers['ratelimit-policy'];
    const soon = { timeout: 5_000, interval: 50 };
    expect(await policy()).toBeUndefined();
    const who = ['--team', caller.teamId, '--client', 'changing'];
    const items = ['--items-per-second', '1000', '--items-burst', '5000'];
    await admin(...who, ...items, '--requests-per-second', '1000', '--bytes-per-second', '500000');
    const policies = '"items";q=5000;qu="items";w=5, "requests";q=1000;w=1, "bytes";q=500000;qu="content-bytes";w=1';
    await expect.poll(policy, soon).toBe(policies);
    await admin(...who, '--default');
    await expect.poll(policy, soon).toBeUndefined();
  });

  it('sets a default for clients without limits of their own, and exempts one from it', async () => {
    const settings = { RATE_LIMIT_ITEMS_PER_SECOND: '1', RATE_LIMIT_ITEMS_BURST: '100', REDIS_URL: inject('redisUrl') };
    await withGateway({ settings }, async (own) => {
      const unlimited = { perSecond: 0, burst: 0 };
      const { caller, free, id } = await limited({ items: unlimited, requests: unlimited }, own);
      expect((await send(free, id, 10)).headers['ratelimit-policy']).toBe('"items";q=100;qu="items";w=100');
      expect((await send(caller, id, 10)).headers['ratelimit-policy']).toBeUndefined();
    });
  });
});
