import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ControlDatabase } from '#libs/database';
import type { ApiClient } from '../support/api.client';
import { createDatabase, type TestDatabase } from '../support/database';
import { startGateway, type TestGateway } from '../support/gateway';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

/*
 * The time limits of the API, by clocks that the test advances.
 */

const realNow = performance.now.bind(performance);

let database: TestDatabase;
let proxy: TcpProxy;
let gateway: TestGateway;
let caller: ApiClient;
let control: ControlDatabase;

beforeAll(async () => {
  database = await createDatabase();
  proxy = await TcpProxy.before(database.url);
  gateway = await startGateway({
    databaseUrl: proxy.through(database.url),
    settings: { LOCK_TIMEOUT_MS: '700', AUTH_FAILURES_PER_SECOND: '0' },
  });
  caller = await gateway.newCaller();
  control = gateway.app.get(ControlDatabase);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  proxy.resume();
});
afterAll(async () => {
  await gateway.close();
  proxy.close();
  await database.drop();
});

/** Lets the gateway believe that this time has passed. */
function letPass(ms: number): void {
  vi.spyOn(performance, 'now').mockImplementation(() => realNow() + ms);
}

describe('readiness', () => {
  it('responds 503 when Postgres refuses connections', async () => {
    proxy.cut();
    expect((await caller.call('GET', '/health/ready')).status).toBe(503);
  });

  it('responds 503 after 2 s when Postgres does not respond', async () => {
    await expect.poll(async () => (await caller.call('GET', '/health/ready')).status, { timeout: 20_000 }).toBe(200);
    proxy.stall();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { total, idle } = control.stats();
    const response = caller.call('GET', '/health/ready');
    await untilImmediate(() => control.stats().total - control.stats().idle > total - idle);
    await vi.advanceTimersByTimeAsync(2_000);
    expect((await response).status).toBe(503);
  });
});

describe('an API key', () => {
  async function statusWith(apiKey: string): Promise<number> {
    const path = `/v2/prism/${caller.teamId}/organization/${randomUUID()}`;
    const response = await fetch(gateway.url + path, { headers: { 'x-api-key': apiKey } });
    await response.text();
    return response.status;
  }

  it('is rejected 5 s after its revocation by a gateway that has just used it, and stays rejected', async () => {
    const { keyId, apiKey } = await gateway.access.createKey(caller.teamId, 'leaving', ['records:read']);
    expect(await statusWith(apiKey)).toBe(404);

    await gateway.access.revokeKey(caller.teamId, keyId);
    letPass(5_000);
    expect(await statusWith(apiKey)).toBe(403);
    const later = await Promise.all(Array.from({ length: 20 }, () => statusWith(apiKey)));
    expect(new Set(later)).toEqual(new Set([403]));
  });

  it('is rejected from its expiry on by a gateway that has just used it', async () => {
    const expiresAt = new Date(Date.now() + 1_500);
    const { apiKey } = await gateway.access.createKey(caller.teamId, 'brief', ['records:read'], expiresAt);
    expect(await statusWith(apiKey)).toBe(404);

    await expect.poll(() => statusWith(apiKey), { timeout: 20_000, interval: 20 }).toBe(403);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime());
  });
});

describe('a new property definition', () => {
  it('takes effect after 5 s on every replica', async () => {
    const replica = await startGateway({ databaseUrl: gateway.databaseUrl });
    try {
      const item = { id: await caller.create(), default: { shoe_size: 43 } };
      const codeAt = async (url: string): Promise<string> => {
        const at = url === gateway.url ? caller : Object.assign(Object.create(caller), { url });
        return (await at.update([item])).body.results[0].error?.code ?? 'ok';
      };
      expect([await codeAt(gateway.url), await codeAt(replica.url)]).toEqual(['unknown_property', 'unknown_property']);
      await gateway.database.query(
        `INSERT INTO property_definitions (team_id, object_type, id, slug, type, name)
         VALUES ($1, 'organization', gen_random_uuid(), 'shoe_size', 'num', 'Shoe size')`,
        [caller.teamId],
      );
      letPass(5_000);
      expect([await codeAt(gateway.url), await codeAt(replica.url)]).toEqual(['ok', 'ok']);
    } finally {
      await replica.close();
    }
  });
});

describe('the lock timeout', () => {
  let session: Session;

  beforeAll(async () => {
    session = await Session.open(database.url);
  });
  beforeEach(() => session.release());
  afterAll(() => session.close());

  it('applies once to a batch of one item', async () => {
    const id = await caller.create();
    await session.hold(caller.teamId, [id]);
    const ended = new AbortController();
    const update = caller.update([{ id, default: { name: 'Renamed' } }]).finally(() => {
      ended.abort();
    });
    const waits = new Set<string>();
    while (!ended.signal.aborted) for (const wait of await session.lockWaits()) waits.add(wait);
    expect((await update).body.results[0].error.code).toBe('locked');
    expect(waits.size).toBe(1);
  });
});

describe('a body of five megabytes of open brackets', () => {
  it('is rejected where it is nested too deep', async () => {
    const { status, body } = await caller.call('POST', caller.path('organization/batch/update'), {
      body: Buffer.alloc(5_000_000, '['),
    });
    expect([status, body.error.code, body.error.message]).toEqual([
      400,
      'invalid_json',
      expect.stringMatching(/byte 32\b/),
    ]);
  });
});

/** Waits for real input and output while timers are fake. */
async function untilImmediate(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
