// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Rates } from '#libs/limits';
import { type ApiResponse, ApiClient } from '../support/api.client';
import { createDatabase, type TestDatabase } from '../support/database';
import { startGateway, type TestGateway } from '../support/gateway';
import { PostgresTraffic, type RoundTrip } from '../support/postgres.traffic';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

/*
 * The number of round trips of a batch, counted in the protocol, which unlike durations is the same on every machine.
 */

const poolSize = 4;

let database: TestDatabase;
let toPostgres: TcpProxy;
let toRedis: TcpProxy;
let traffic: PostgresTraffic;
let redisTraffic: string;
let gateway: TestGateway;
let caller: ApiClient;
let ids: string[];

beforeAll(async () => {
  database = await createDatabase();
  traffic = new PostgresTraffic();
  toPostgres = await TcpProxy.before(database.url, traffic.listen);
  toRedis = await TcpProxy.before(inject('redisUrl'), () => (chunk) => {
    redisTraffic += chunk.toString('latin1');
  });
  redisTraffic = '';
  gateway = await startGateway({
    databaseUrl: toPostgres.through(database.url),
    settings: {
      DATABASE_POOL_SIZE: String(poolSize),
      REDIS_URL: toRedis.through(inject('redisUrl')),
    },
  });
  caller = await gateway.newCaller();
  ids = await Promise.all(Array.from({ length: 100 }, () => caller.create()));
  // Every connection of the pool is open and has prepared its statements.
  await Promise.all(Array.from({ length: 4 * poolSize }, () => update(100, randomUUID())));
  await Promise.all(Array.from({ length: 4 * poolSize }, () => update(1)));
  await Promise.all(Array.from({ length: 4 * poolSize }, () => update(1, randomUUID())));
});
afterAll(async () => {
  await gateway.close();
  toPostgres.close();
  toRedis.close();
  await database.drop();
});

beforeEach(() => {
  traffic.roundTrips.length = 0;
  redisTraffic = '';
});

async function update(items: number, key?: string, options = {}): Promise<ApiResponse> {
  const response = await caller.call('POST', caller.path('organization/batch/update'), {
    body: { items: ids.slice(0, items).map((id) => ({ id, default: { name: 'Renamed' } })), options },
    headers: key === undefined ? {} : { 'idempotency-key': key },
  });
  expect(response.body).toMatchObject({ summary: { total: items, succeeded: items, failed: 0 } });
  return response;
}

/** The round trips without those of caches (API keys and definitions), which do not belong to a batch. */
function roundTrips(): RoundTrip[] {
  return traffic.roundTrips.filter(
    ({ statement }) => statement !== 'find_api_key' && statement !== 'find_team_properties',
  );
}

/** Bind, Describe, Execute, Sync: one round trip of a prepared statement. */
const oneCall = { messages: 'BDES', statement: 'apply_batch' };
const onePatch = { messages: 'BDES', statement: 'patch_record' };
const onePatchWithKey = { messages: 'BDES', statement: 'patch_record_keyed' };

function scriptsRun(): number {
  return redisTraffic.match(/\r\nevalsha\r\n/gi)?.length ?? 0;
}

describe('a round trip to Postgres', () => {
  it.each([
    ['a batch of 100', 100, false, {}],
    ['a batch of one that is tried out', 1, false, { dry_run: true }],
    ['a batch with a key', 100, true, {}],
    ['a batch that stops at a failure', 100, false, { on_error: 'stop' }],
    ['a batch of all or nothing', 100, true, { on_error: 'rollback' }],
    ['a batch that is tried out', 100, false, { dry_run: true }],
  ])('is the cost of %s', async (_, items, keyed, options) => {
    await update(items, keyed ? randomUUID() : undefined, options);
    expect(roundTrips()).toEqual([expect.objectContaining(oneCall)]);
  });

  it('is the cost of a single write', async () => {
    await update(1);
    const path = caller.path(`organization/${ids[0] ?? ''}`);
    const patched = await caller.call('PATCH', path, { body: { default: { name: 'Renamed' } } });
    expect(patched.status).toBe(200);
    await caller.create();
    await update(1, randomUUID());
    expect(roundTrips()).toEqual(
      [onePatch, onePatch, oneCall, onePatchWithKey].map((trip) => expect.objectContaining(trip) as unknown),
    );
  });

  it('is added to find the reason why a single write failed', async () => {
    const path = caller.path(`organization/${randomUUID()}`);
    expect((await caller.call('PATCH', path, { body: { default: { name: 'Renamed' } } })).status).toBe(404);
    expect(roundTrips()).toEqual([onePatch, oneCall].map((trip) => expect.objectContaining(trip) as unknown));
  });

  it('is added to find the reason why a single write with a key failed', async () => {
    const path = caller.path(`organization/${randomUUID()}`);
    const options = { body: { default: { name: 'Renamed' } }, headers: { 'idempotency-key': randomUUID() } };
    expect((await caller.call('PATCH', path, options)).status).toBe(404);
    expect(roundTrips()).toEqual([onePatchWithKey, oneCall].map((trip) => expect.objectContaining(trip) as unknown));
  });

  it('is the cost of verifying a cached response', async () => {
    const key = randomUUID();
    await update(1, key);
    expect((await update(1, key)).headers['idempotent-replay']).toBe('true');
    expect(roundTrips().map(({ statement }) => statement)).toEqual(['patch_record_keyed', 'find_request_state']);
  });

  it('is the cost of a receipt', async () => {
    const key = randomUUID();
    await update(2, key);
    expect((await caller.call('GET', caller.path(`receipts/${key}`))).status).toBe(200);
    expect(roundTrips().map(({ statement }) => statement)).toEqual(['apply_batch', 'find_receipt']);
  });
});

it('prepares the statement once per connection, however many batches run concurrently', async () => {
  const fresh = new PostgresTraffic();
  const proxy = await TcpProxy.before(database.url, fresh.listen);
  const other = await startGateway({
    databaseUrl: proxy.through(database.url),
    settings: { DATABASE_POOL_SIZE: String(poolSize) },
  });
  try {
    const client = new ApiClient(other.url, caller.document, caller.credentials);
    const body = { items: ids.map((id) => ({ id, default: { name: 'Renamed' } })) };
    const batches = 10 * poolSize;
    const send = (): Promise<ApiResponse> => client.call('POST', client.path('organization/batch/update'), { body });
    await Promise.all(Array.from({ length: batches }, send));

    const calls = fresh.roundTrips.filter(({ statement }) => statement === oneCall.statement);
    expect(calls).toHaveLength(batches);
    const connections = new Set(calls.map(({ connection }) => connection));
    // Ten times as many concurrent batches as connections use only the connections of the pool.
    expect(connections.size).toBeLessThanOrEqual(poolSize);
    for (const connection of connections) {
      const messages = calls.filter((call) => call.connection === connection).map((call) => call.messages);
      expect(messages).toEqual(['PBDES', ...messages.slice(1).map(() => oneCall.messages)]);
    }
  } finally {
    await other.close();
    proxy.close();
  }
});

describe('the statement of a page', () => {
  /** Sends each query in turn, several times. @returns the statements, by the only connection of the pool */
  async function statementsOf(queries: readonly string[]): Promise<RoundTrip[]> {
    const seen = new PostgresTraffic();
    const proxy = await TcpProxy.before(database.url, seen.listen);
    const other = await startGateway({
      databaseUrl: proxy.through(database.url),
      settings: { DATABASE_POOL_SIZE: '1' },
    });
    try {
      const client = new ApiClient(other.url, caller.document, caller.credentials);
      for (let use = 1; use <= 5; use += 1) {
        for (const query of queries) {
          expect((await client.call('GET', client.path(`organization?${query}`))).status).toBe(200);
        }
      }
    } finally {
      await other.close();
      proxy.close();
    }
    return seen.roundTrips.filter(({ statement }) => /^query_|^WITH context .* sort_values/s.test(statement));
  }

  /** The messages of a statement that is used so often. */
  const preparedOnce = (uses: number): string[] => [
    'PBDES', // without a name
    'PBDES', // without a name
    'PBDES', // with its name
    ...Array.from({ length: uses - 3 }, () => 'BDES'),
  ];

  it('of the default order is prepared once it repeats, and is then only executed, also for the next page', async () => {
    const { body } = await caller.call('GET', caller.path('organization?limit=2'));
    const pages = await statementsOf(['limit=2', `limit=2&cursor=${encodeURIComponent(body.next_cursor)}`]);
    expect(pages.map(({ messages }) => messages)).toEqual(preparedOnce(10));
    expect(new Set(pages.slice(2).map(({ statement }) => statement))).toEqual(new Set(['query_1']));
  });

  it.each(['name=Acme', 'sort=name', 'deleted=true'])('of %s is prepared once it repeats', async (query) => {
    const pages = await statementsOf([query]);
    expect(pages.map(({ messages }) => messages)).toEqual(preparedOnce(5));
  });
});

describe('Redis', () => {
  it('is called twice for a keyed batch: for the claim and for the response', async () => {
    await update(100, randomUUID());
    expect(scriptsRun()).toBe(2);
  });

  it('is not called for a batch without a key', async () => {
    await update(100);
    expect(redisTraffic).toBe('');
  });

  it('is called once for all rate limits of a request', async () => {
    await expectScripts({ items: rate, requests: rate }, 1);
  });

  it('is called once more after the work if responses are charged in bytes', async () => {
    await expectScripts({ items: rate, requests: rate, bytes: rate }, 2);
  });

  const rate = { perSecond: 1_000_000, burst: 1_000_000 };

  async function expectScripts(rates: Rates, count: number): Promise<void> {
    const client = randomUUID();
    const limited = await gateway.newCaller({ client, teamId: caller.teamId });
    await gateway.access.setLimits(caller.teamId, client, rates);
    const items = ids.map((id) => ({ id }));
    // The first call of a connection loads the script.
    await limited.update(items);
    redisTraffic = '';
    const response = await limited.update(items);
    expect([response.status, response.headers.ratelimit]).toEqual([200, expect.stringContaining('"requests"')]);
    await expect.poll(scriptsRun).toBe(count);
  }
});

it('applies a single patch by the procedure, which flushes it, if commits are asynchronous', async () => {
  const hasty = await createDatabase();
  const session = await Session.open(hasty.url);
  await session.query(`ALTER DATABASE "${new URL(hasty.url).pathname.slice(1)}" SET synchronous_commit = off`);
  await session.close();
  const seen = new PostgresTraffic();
  const proxy = await TcpProxy.before(hasty.url, seen.listen);
  const other = await startGateway({ databaseUrl: proxy.through(hasty.url) });
  try {
    const client = await other.newCaller();
    const id = await client.create();
    expect((await client.update([{ id, default: { name: 'Renamed' } }])).body.summary.succeeded).toBe(1);
    expect(seen.roundTrips.slice(-2).map(({ statement }) => statement)).toEqual(['patch_record', 'apply_batch']);
    expect((await client.read(id)).version).toBe(2);
  } finally {
    await other.close();
    proxy.close();
    await hasty.drop();
  }
});
