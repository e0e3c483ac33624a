import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/api.client';
import { createDatabase, type TestDatabase } from '../support/database';
import { startGateway, type TestGateway } from '../support/gateway';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

/*
 * The time limits of the API, measured by the clock. No other test runs concurrently.
 */

const lockTimeoutMs = 700;

let database: TestDatabase;
let proxy: TcpProxy;
let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  database = await createDatabase();
  const url = new URL(database.url);
  proxy = await TcpProxy.start({ host: url.hostname, port: Number(url.port || 5432) });
  url.host = `127.0.0.1:${proxy.port}`;
  gateway = await startGateway({ databaseUrl: url.href, settings: { LOCK_TIMEOUT_MS: String(lockTimeoutMs) } });
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

async function elapsedMs(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

describe('readiness', () => {
  const failures: [name: string, cause: () => void][] = [
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
  ];

  it.each(failures)('responds 503 within 2 s when Postgres %s', async (_, cause) => {
    cause();
    const ms = await elapsedMs(async () => {
      expect((await caller.call('GET', '/health/ready')).status).toBe(503);
    });
    expect(ms).toBeLessThan(2_000);
  });
});

describe('an API key', () => {
  async function statusWith(apiKey: string): Promise<number> {
    const path = `/v2/prism/${caller.teamId}/organization/${randomUUID()}`;
    const response = await fetch(gateway.url + path, { headers: { 'x-api-key': apiKey } });
    await response.text();
    return response.status;
  }

  it('is rejected within 5 s of its revocation by a gateway that has just used it, and stays rejected', async () => {
    const { keyId, apiKey } = await gateway.access.createKey(caller.teamId, 'leaving', ['records:read']);
    expect(await statusWith(apiKey)).toBe(404);

    await gateway.access.revokeKey(caller.teamId, keyId);
    const ms = await elapsedMs(() => expect.poll(() => statusWith(apiKey), { timeout: 5_000, interval: 50 }).toBe(403));
    expect(ms).toBeLessThan(5_000);
    const later = await Promise.all(Array.from({ length: 20 }, () => statusWith(apiKey)));
    expect(new Set(later)).toEqual(new Set([403]));
  });

  it('is rejected from its expiry on by a gateway that has just used it', async () => {
    const expiresAt = new Date(Date.now() + 1_500);
    const { apiKey } = await gateway.access.createKey(caller.teamId, 'brief', ['records:read'], expiresAt);
    expect(await statusWith(apiKey)).toBe(404);

    await expect.poll(() => statusWith(apiKey), { timeout: 2_000, interval: 20 }).toBe(403);
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime());
  });
});

describe('a new property definition', () => {
  it('takes effect within 5 s on every replica', async () => {
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
      const ms = await elapsedMs(async () => {
        for (const url of [gateway.url, replica.url]) {
          await expect.poll(() => codeAt(url), { timeout: 5_500, interval: 100 }).toBe('ok');
        }
      });
      expect(ms).toBeLessThan(5_500);
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
    const ms = await elapsedMs(async () => {
      const { body } = await caller.update([{ id, default: { name: 'Renamed' } }]);
      expect(body.results[0].error.code).toBe('locked');
    });
    await session.release();
    expect(ms).toBeGreaterThan(lockTimeoutMs * 0.9);
    expect(ms).toBeLessThan(lockTimeoutMs * 1.9);
  });
});

describe('a body of five megabytes of open brackets', () => {
  it('is rejected within 1 s', async () => {
    const ms = await elapsedMs(async () => {
      const { status, body } = await caller.call('POST', caller.path('organization/batch/update'), {
        body: Buffer.alloc(5_000_000, '['),
      });
      expect([status, body.error.code]).toEqual([400, 'invalid_json']);
    });
    expect(ms).toBeLessThan(1_000);
  });
});
