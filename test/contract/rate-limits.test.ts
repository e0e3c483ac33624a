import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { Rates } from '#libs/limits';
import { Metrics } from '#libs/telemetry';
import { runAdmin } from '../../apps/admin/admin.program';
import { type ApiAnswer, ApiClient } from '../support/api.client';
import { type GatewayOptions, startGateway, type TestGateway } from '../support/gateway';
import { startRedis } from '../support/redis.server';
import { Session } from '../support/session';

/** So slow that nothing comes back while a test runs. */
const slow: Rates = { items: { perSecond: 1, burst: 100 } };
const slowBoth: Rates = { ...slow, requests: { perSecond: 1, burst: 50 } };

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({ settings: { LOCK_TIMEOUT_MS: '50' } });
});
afterAll(() => gateway.close());

/** An application of a new team with a record, limited before its first call. */
async function limited(rates: Rates, on = gateway): Promise<{ caller: ApiClient; free: ApiClient; id: string }> {
  const free = await on.newCaller({ client: 'free' });
  const caller = await on.newCaller({ client: 'limited', teamId: free.teamId });
  await on.access.limitClient(caller.teamId, 'limited', rates);
  return { caller, free, id: await free.create() };
}

/** So many changes of one record. */
function send(caller: ApiClient, id: string, count: number, key?: string, options?: object): Promise<ApiAnswer> {
  const items = Array.from({ length: count }, () => ({ id, default: { name: 'Renamed' } }));
  return caller.update(items, options, key === undefined ? {} : { 'idempotency-key': key });
}

/** What `RateLimit` says is left, by limit. */
function left({ headers }: ApiAnswer): Record<string, number> {
  const parts = String(headers.ratelimit).matchAll(/"(\w+)";r=(\d+);t=\d+/g);
  return Object.fromEntries([...parts].map(([, name = '', room]) => [name, Number(room)]));
}

function expectLimited({ status, headers, body }: ApiAnswer, message: RegExp): void {
  expect([status, body.error.code]).toEqual([429, 'rate_limited']);
  expect(body.error.message).toMatch(message);
  expect(String(headers['retry-after'])).toMatch(/^([1-9]|[1-5]\d|60)$/);
}

async function metric(of: TestGateway, name: string, labels: Record<string, string>): Promise<number> {
  const read = await of.app.get(Metrics).registry.getSingleMetric(name)?.get();
  const found = read?.values.find(({ labels: own }) => JSON.stringify(own) === JSON.stringify(labels));
  return found?.value ?? NaN;
}

/** Runs with a gateway of its own. */
async function withGateway(options: GatewayOptions, use: (own: TestGateway) => Promise<void>): Promise<void> {
  const own = await startGateway(options);
  try {
    await use(own);
  } finally {
    await own.close();
  }
}

describe('an application with a limit', () => {
  it('reads from its answers what the limit is and what is left of it', async () => {
    const { caller, id } = await limited(slowBoth);
    const answer = await send(caller, id, 10);
    expect(answer.status).toBe(200);
    expect(answer.headers['ratelimit-policy']).toBe('"items";q=100;qu="items";w=100, "requests";q=50;w=50');
    expect(answer.headers.ratelimit).toBe('"items";r=90;t=10, "requests";r=49;t=1');
  });

  it('gets 429 beyond it, and is told which, what it is, and when to come again', async () => {
    const before = await metric(gateway, 'prism_rate_limited_total', { limit: 'items' });
    const { caller, id } = await limited(slow);
    await send(caller, id, 100);
    const refused = await send(caller, id, 10);
    expectLimited(refused, /1 items a second, 100 at once\. Nothing was done; send the request again in (9|10) s/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(9);
    expect(refused.headers.ratelimit).toMatch(/^"items";r=\d;t=(9|10)$/);
    expect(await metric(gateway, 'prism_rate_limited_total', { limit: 'items' })).toBe(before + 1);
  });

  it('is let through after Retry-After', async () => {
    const { caller, id } = await limited({ items: { perSecond: 50, burst: 100 } });
    await send(caller, id, 100);
    const refused = await send(caller, id, 100);
    expectLimited(refused, /50 items a second/);
    await sleep(1_000 * Number(refused.headers['retry-after']));
    expect((await send(caller, id, 100)).status).toBe(200);
  });

  it('is charged for nothing that was refused, by neither limit', async () => {
    const { caller, id } = await limited(slowBoth);
    await send(caller, id, 95);
    for (let i = 0; i < 5; i += 1) expectLimited(await send(caller, id, 20), /items/);
    const answer = await send(caller, id, 5);
    expect(answer.status).toBe(200);
    expect(left(answer).requests).toBeGreaterThanOrEqual(48);
  });

  it('is held to one limit for long, though another is soon forgotten', async () => {
    const { caller, id } = await limited({ ...slow, requests: { perSecond: 1_000, burst: 1_000 } });
    await send(caller, id, 100);
    await caller.read(id);
    await sleep(10);
    expectLimited(await send(caller, id, 100), /items/);
  });

  it('may send a batch that is larger than the burst: when it has rested, and rests for it afterwards', async () => {
    const { caller, id } = await limited({ items: { perSecond: 1, burst: 10 } });
    expect((await send(caller, id, 60)).status).toBe(200);
    const refused = await send(caller, id, 1);
    expectLimited(refused, /10 at once/);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(40);
    expect((await caller.read(id)).version).toBe(61);
  });

  it('does not limit another of its team', async () => {
    const { caller, free, id } = await limited(slow);
    await send(caller, id, 100);
    expectLimited(await send(caller, id, 100), /items/);
    const answer = await send(free, id, 100);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  });

  it('has one limit, whichever of its keys it uses', async () => {
    const { caller, id } = await limited(slow);
    const other = await gateway.newCaller({ client: 'limited', teamId: caller.teamId });
    await send(caller, id, 100);
    expectLimited(await send(other, id, 100), /items/);
  });

  it('has one limit, whichever gateway it calls', async () => {
    await withGateway({ databaseUrl: gateway.databaseUrl }, async ({ url }) => {
      const { caller, id } = await limited(slow);
      await send(caller, id, 100);
      const elsewhere = new ApiClient(url, caller.document, caller.credentials);
      expectLimited(await send(elsewhere, id, 100), /items/);
    });
  });
});

describe('a request', () => {
  it('that writes one record is one item', async () => {
    const { caller, id } = await limited(slow);
    const created = await caller.call('POST', caller.path('organization'), { body: { default: { name: 'New' } } });
    const patched = await caller.call('PATCH', caller.path(`organization/${id}`), { body: { default: {} } });
    const missing = await caller.call('PATCH', caller.path(`organization/${randomUUID()}`), { body: { default: {} } });
    expect([created, patched, missing].map(({ status }) => status)).toEqual([201, 200, 404]);
    expect([created, patched, missing].map((answer) => left(answer).items)).toEqual([99, 98, 97]);
  });

  it('that reads is no item, but a request', async () => {
    const items = await limited(slow);
    const unlimited = await items.caller.call('GET', items.caller.path(`organization/${items.id}`));
    expect([unlimited.status, unlimited.headers.ratelimit]).toEqual([200, undefined]);

    const { caller, id } = await limited({ ...slow, requests: { perSecond: 1, burst: 10 } });
    const first = await caller.call('GET', caller.path(`organization/${id}`));
    expect([first.status, first.headers.ratelimit]).toEqual([200, '"requests";r=9;t=1']);
    const answers = await Promise.all(Array.from({ length: 40 }, () => caller.call('GET', caller.path('properties'))));
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused.length).toBeGreaterThan(10);
    for (const answer of refused) expectLimited(answer, /1 requests a second, 10 at once/);
  });

  it('that is tried out costs as any other', async () => {
    const { caller, id } = await limited(slow);
    expect(left(await send(caller, id, 10, undefined, { dry_run: true })).items).toBe(90);
  });

  it('that is refused for what it says costs nothing', async () => {
    const { caller, id } = await limited(slow);
    for (const body of [{ items: [] }, { items: Array(101).fill({ id }) }, '{']) {
      const refused = await caller.call('POST', caller.path('organization/batch/update'), { body });
      expect([refused.status, refused.headers.ratelimit]).toEqual([400, undefined]);
    }
    expect((await send(caller, id, 100)).status).toBe(200);
  });

  it('that is refused with 429 does not claim its Idempotency-Key', async () => {
    const { caller, id } = await limited(slow);
    const key = randomUUID();
    await send(caller, id, 90);
    expectLimited(await send(caller, id, 50, key), /items/);
    const other = await send(caller, id, 10, key);
    expect([other.status, other.headers['idempotent-replay']]).toEqual([200, undefined]);
  });
});

describe('a replay', () => {
  it('costs nothing, and comes also when nothing is left', async () => {
    const { caller, id } = await limited({ items: { perSecond: 1, burst: 100 }, requests: { perSecond: 1, burst: 1 } });
    const key = randomUUID();
    expect((await send(caller, id, 100, key)).status).toBe(200);
    for (let i = 0; i < 5; i += 1) {
      const replay = await send(caller, id, 100, key);
      expect([replay.status, replay.headers['idempotent-replay']]).toEqual([200, 'true']);
      expect(replay.headers.ratelimit).toBeUndefined();
    }
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

  it('that resumes costs what it does now', async () => {
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

describe('without Redis', () => {
  it('a gateway goes on by itself when it goes away, with the same limit', async () => {
    const redis = await startRedis();
    await withGateway({ settings: { REDIS_URL: redis.url } }, async (own) => {
      const { caller, id } = await limited(slow, own);
      await send(caller, id, 100);
      expectLimited(await send(caller, id, 100), /items/);
      await redis.kill();
      expect((await send(caller, id, 100)).status).toBe(200);
      expectLimited(await send(caller, id, 100), /1 items a second, 100 at once/);
      expect(await metric(own, 'prism_rate_checks_total', { keeper: 'redis' })).toBe(2);
      expect(await metric(own, 'prism_rate_checks_total', { keeper: 'process' })).toBe(2);
    });
  });
});

describe('the operator', () => {
  async function admin(...args: string[]): Promise<void> {
    const told: string[] = [];
    const terminal = { write: (text: string) => told.push(text) };
    const env = { DATABASE_URL: gateway.databaseUrl };
    expect(await runAdmin(['client', 'limit', ...args], { env, stdout: terminal, stderr: terminal }), told.join()).toBe(
      0,
    );
  }

  it('changes a limit while gateways serve, within 5 s', async () => {
    const caller = await gateway.newCaller({ client: 'changing' });
    const id = await caller.create();
    const policy = async (): Promise<unknown> => (await send(caller, id, 1)).headers['ratelimit-policy'];
    const soon = { timeout: 5_000, interval: 50 };
    expect(await policy()).toBeUndefined();
    const who = ['--team', caller.teamId, '--client', 'changing'];
    await admin(...who, '--items-per-second', '1000', '--items-burst', '5000', '--requests-per-second', '1000');
    await expect.poll(policy, soon).toBe('"items";q=5000;qu="items";w=5, "requests";q=1000;w=1');
    await admin(...who, '--default');
    await expect.poll(policy, soon).toBeUndefined();
  });

  it('sets a default for all that have none of their own, and frees one of it', async () => {
    const settings = { RATE_LIMIT_ITEMS_PER_SECOND: '1', RATE_LIMIT_ITEMS_BURST: '100', REDIS_URL: inject('redisUrl') };
    await withGateway({ settings }, async (own) => {
      const nobody = { perSecond: 0, burst: 0 };
      const { caller, free, id } = await limited({ items: nobody, requests: nobody }, own);
      expect((await send(free, id, 10)).headers['ratelimit-policy']).toBe('"items";q=100;qu="items";w=100');
      expect((await send(caller, id, 10)).headers['ratelimit-policy']).toBeUndefined();
    });
  });
});
