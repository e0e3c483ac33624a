// @module-tag redis-server
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { Logger } from '@nestjs/common';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readSettings } from '#libs/config';
import { type Claim, ClaimStore, type IdempotencyId, type CachedResponse } from '#libs/idempotency';
import { Redis, RedisMetrics } from '#libs/redis';
import { Instruments } from '#libs/telemetry';
import { type RedisServer, startRedis } from '../support/redis.server';

const TTL_MS = 30_000;
const LEASE_MS = 3_000;
const RESPONSE: CachedResponse = { status: 200, headers: { etag: '"2"' }, body: '{"results":[]}' };
const RECOVERY = { timeout: 10_000, interval: 20 };
const silent = { log: () => undefined, warn: () => undefined };

let server: RedisServer;
let redis: Redis;
let claims: ClaimStore;
let instruments: Instruments;
/** A connection to Redis without the library under test. */
let client: Client;
let id: IdempotencyId;
let fingerprint: Buffer;

function newId(): IdempotencyId {
  return { teamId: randomUUID(), clientId: randomUUID(), keyHash: createHash('sha256').update(randomUUID()).digest() };
}

function keyOf({ teamId, clientId, keyHash }: IdempotencyId): string {
  return `prism:{${teamId}}:idempotency:${clientId}:${keyHash.toString('base64url')}`;
}

async function connect(): Promise<{ redis: Redis; claims: ClaimStore; instruments: Instruments }> {
  const settings = readSettings({
    DATABASE_URL: 'postgres://unused',
    REDIS_URL: server.url,
    IDEMPOTENCY_CACHE_SECONDS: '60',
  });
  const instruments = new Instruments();
  const connection = new Redis(settings, new RedisMetrics(instruments), silent);
  await connection.settled();
  return { redis: connection, claims: new ClaimStore(connection, settings), instruments };
}

/** How many calls to Redis ended with an error of this kind. */
async function redisErrors(kind: string): Promise<number> {
  const metric = await instruments.registry.getSingleMetric('prism_redis_errors_total')?.get();
  return metric?.values.find(({ labels }) => labels.kind === kind)?.value ?? 0;
}

/** The time by the clock of Redis, in milliseconds. */
async function redisTimeMs(): Promise<number> {
  const [seconds, microseconds] = (await client.time()).map(Number);
  return 1_000 * (seconds ?? 0) + Math.floor((microseconds ?? 0) / 1_000);
}

/** The owner of a claim that is expected to be new. */
async function claimNew(ttlMs = TTL_MS, of = id): Promise<string> {
  const claim = await claims.claim(of, fingerprint, ttlMs);
  if (claim.state !== 'new') throw new Error(`expected a new claim, not ${claim.state}`);
  return claim.owner;
}

/** Resolves when the lease of a claim was renewed: that replaces the long one it is given here. */
async function renewalOf(of: IdempotencyId): Promise<void> {
  await client.pexpire(keyOf(of), 10 * TTL_MS);
  await vi.waitFor(async () => {
    expect(await client.pttl(keyOf(of))).toBeLessThanOrEqual(LEASE_MS);
  }, RECOVERY);
}

/** Resolves when all claims that exist now were renewed: renewals are sent in the order of the claims. */
async function nextRenewal(): Promise<void> {
  const last = newId();
  await claimNew(TTL_MS, last);
  await renewalOf(last);
}

async function stateOf(of = fingerprint): Promise<Claim['state']> {
  return (await claims.claim(id, of, TTL_MS)).state;
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  server = await startRedis();
  client = new Client(server.url);
  client.on('error', () => undefined);
  ({ redis, claims, instruments } = await connect());
});

afterAll(async () => {
  await redis.close();
  client.disconnect();
  await server.kill();
});

beforeEach(() => {
  id = newId();
  fingerprint = randomBytes(32);
});

describe('a claim', () => {
  it('is new for exactly one of 50 concurrent attempts on several gateways', async () => {
    const others = await Promise.all([connect(), connect(), connect()]);
    const stores = [claims, ...others.map((other) => other.claims)];
    const states = await Promise.all(
      Array.from(
        { length: 50 },
        async (_, n) => (await stores[n % stores.length]?.claim(id, fingerprint, TTL_MS))?.state,
      ),
    );
    expect(states.filter((state) => state === 'new')).toHaveLength(1);
    expect(states.filter((state) => state === 'in_flight')).toHaveLength(49);
    await Promise.all(others.map((other) => other.redis.close()));
  });

  it('is scoped to one team, one client and one key', async () => {
    await claimNew();
    await claimNew(TTL_MS, { ...id, teamId: randomUUID() });
    await claimNew(TTL_MS, { ...id, clientId: randomUUID() });
    await claimNew(TTL_MS, { ...id, keyHash: randomBytes(32) });
  });

  it("is stored under the team's hash tag, without the key's text", async () => {
    await claimNew();
    expect(await client.keys(`prism:{${id.teamId}}:*`)).toEqual([keyOf(id)]);
  });

  it('of another request is a mismatch, during and after the first request', async () => {
    const owner = await claimNew();
    expect(await stateOf(randomBytes(32))).toBe('mismatch');
    await claims.storeResponse(id, owner, RESPONSE);
    expect(await stateOf(randomBytes(32))).toBe('mismatch');
    expect(await stateOf()).toBe('cached');
  });

  it('is found while its attempt runs: not before, nor after its response was cached or it was released', async () => {
    expect(await claims.isClaimed(id)).toBe(false);
    const owner = await claimNew();
    expect(await claims.isClaimed(id)).toBe(true);
    await claims.storeResponse(id, owner, RESPONSE);
    expect(await claims.isClaimed(id)).toBe(false);
    await claims.release(id, owner);
    expect(await claims.isClaimed(id)).toBe(false);
    await client.set(keyOf(id), 'of another type');
    expect(await claims.isClaimed(id)).toBe(false);
  });

  it('ends with the deadline of its request', async () => {
    await claimNew(80);
    expect(await client.pttl(keyOf(id))).toBeLessThanOrEqual(80);
    await vi.waitFor(async () => {
      expect(await stateOf()).toBe('new');
    }, RECOVERY);
  });

  it('that is in flight has a retry time as long as it has run, but not longer than its lease', async () => {
    await claimNew();
    const retryTimes: unknown[] = [];
    for (const runningMs of [0, 1_500, 22_500]) {
      await client.hset(keyOf(id), 'claimed_at', Date.now() - runningMs);
      const claim = await claims.claim(id, fingerprint, TTL_MS);
      retryTimes.push(claim.state === 'in_flight' && claim.retryAfterSeconds);
    }
    expect(retryTimes).toEqual([1, 2, 3]);
  });

  it('has a lease of three seconds, which is renewed while its request runs', async () => {
    await claimNew();
    expect(await client.pttl(keyOf(id))).toBeLessThanOrEqual(LEASE_MS);
    await renewalOf(id);
    expect(await stateOf()).toBe('in_flight');
  });

  it('is not renewed beyond the deadline of its request', async () => {
    await claimNew(1_800);
    await renewalOf(id);
    expect(await client.pttl(keyOf(id))).toBeLessThanOrEqual(1_800);
    await vi.waitFor(async () => {
      expect(await stateOf()).toBe('new');
    }, RECOVERY);
  });

  it('is not renewed by an attempt that lost it to another one', async () => {
    await claimNew();
    await client.hset(keyOf(id), 'owner', randomUUID());
    await client.pexpire(keyOf(id), TTL_MS);
    await nextRenewal();
    expect(await client.pttl(keyOf(id))).toBeGreaterThan(LEASE_MS);
  });

  it('is not renewed after its response was cached or it was released', async () => {
    const owner = await claimNew();
    await claims.storeResponse(id, owner, RESPONSE);
    const released = newId();
    await claims.release(released, await claimNew(TTL_MS, released));
    await client.hset(keyOf(released), 'owner', 'another attempt');
    await client.pexpire(keyOf(released), TTL_MS);
    await nextRenewal();
    expect(await client.pttl(keyOf(id))).toBeGreaterThan(LEASE_MS);
    expect(await client.pttl(keyOf(released))).toBeGreaterThan(LEASE_MS);
  });

  it('expires at once if its deadline has passed', async () => {
    await claimNew(-5);
    await vi.waitFor(async () => {
      expect(await client.exists(keyOf(id))).toBe(0);
    }, RECOVERY);
  });
});

describe('a cached response', () => {
  it('is stored by the owner of the claim, for the configured time', async () => {
    const owner = await claimNew();
    const stored = await redisTimeMs();
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(true);
    expect(await claims.claim(id, fingerprint, TTL_MS)).toEqual({ state: 'cached', response: RESPONSE, owner });
    const ttl = await client.pttl(keyOf(id));
    expect(ttl).toBeGreaterThanOrEqual(60_000 - ((await redisTimeMs()) - stored));
    expect(ttl).toBeLessThanOrEqual(60_000);
  });

  it('is not stored, and the claim not released, by another attempt', async () => {
    const owner = await claimNew();
    expect(await claims.storeResponse(id, randomUUID(), RESPONSE)).toBe(false);
    expect(await claims.release(id, randomUUID())).toBe(false);
    expect(await stateOf()).toBe('in_flight');
    expect(await claims.release(id, owner)).toBe(true);
  });

  it('is not stored by an attempt whose claim expired and is held by another one', async () => {
    const slow = await claimNew(1);
    await vi.waitFor(async () => {
      expect(await client.exists(keyOf(id))).toBe(0);
    }, RECOVERY);
    const next = await claimNew();
    expect(await claims.storeResponse(id, slow, { ...RESPONSE, body: 'of the slow attempt' })).toBe(false);
    expect(await claims.release(id, slow)).toBe(false);
    expect(await claims.storeResponse(id, next, RESPONSE)).toBe(true);
    expect(await claims.claim(id, fingerprint, TTL_MS)).toMatchObject({ state: 'cached', response: RESPONSE });
  });

  it('that is too long to store releases the claim', async () => {
    const owner = await claimNew();
    expect(await claims.storeResponse(id, owner, { ...RESPONSE, body: 'a'.repeat(2_000_000) })).toBe(false);
    expect(await stateOf()).toBe('new');
  });

  it('that is discarded is replaced by a new claim, but no other response is', async () => {
    const first = await claimNew();
    await claims.storeResponse(id, first, RESPONSE);
    const second = await claims.claim(id, fingerprint, TTL_MS, first);
    expect(second.state).toBe('new');
    expect((await claims.claim(id, fingerprint, TTL_MS, first)).state).toBe('in_flight');
  });

  it.each([
    [
      'damaged bytes',
      async () => {
        await client.hset(keyOf(id), 'response', 'not deflated');
      },
    ],
    [
      'a header that is not replayed',
      async () => {
        const head = '{"format":1,"status":200,"headers":{"set-cookie":"a=b"}}';
        await client.hset(keyOf(id), 'response', deflateSync(`${head}\n{}`));
      },
    ],
    [
      'another type',
      async () => {
        await client.del(keyOf(id));
        await client.set(keyOf(id), 'text');
      },
    ],
    [
      'a hash with missing fields',
      async () => {
        await client.hdel(keyOf(id), 'claimed_at');
      },
    ],
  ])('that cannot be read is deleted, and the key can be claimed: %s', async (_, damage) => {
    const owner = await claimNew();
    await claims.storeResponse(id, owner, RESPONSE);
    await damage();
    const again = await claimNew();
    expect(await claims.storeResponse(id, again, RESPONSE)).toBe(true);
    expect(await stateOf()).toBe('cached');
  });
});

describe('while Redis fails', () => {
  it('a flushed claim is neither stored nor blocks the next one', async () => {
    const owner = await claimNew();
    await client.flushall();
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(false);
    await claimNew();
  });

  it('scripts that were flushed are loaded again', async () => {
    const owner = await claimNew();
    await client.script('FLUSH');
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(true);
  });

  it('a paused Redis costs one timeout, later calls are not sent, and claims work again afterwards', async () => {
    const owner = await claimNew();
    const [timeouts, unsent] = [await redisErrors('timeout'), await redisErrors('connection')];
    server.pause();
    expect((await claims.claim(id, fingerprint, TTL_MS)).state).toBe('unavailable');
    for (let n = 0; n < 100; n++) expect((await claims.claim(id, fingerprint, TTL_MS)).state).toBe('unavailable');
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(false);
    expect(await claims.release(id, owner)).toBe(false);
    expect(await redisErrors('timeout')).toBe(timeouts + 1);
    expect(await redisErrors('connection')).toBeGreaterThanOrEqual(unsent + 102);
    server.resume();
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
    // The gateway gave up the claim while Redis was unavailable, so it must not block a later request.
    await claimNew();
  });

  it('a claim survives a pause of Redis that is shorter than its lease', async () => {
    const owner = await claimNew();
    await client.pexpire(keyOf(id), TTL_MS); // how long the pause takes here depends on the load of the machine
    server.pause();
    expect((await claims.claim(newId(), fingerprint, TTL_MS)).state).toBe('unavailable');
    server.resume();
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
    expect(await stateOf()).toBe('in_flight');
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(true);
    expect(await stateOf()).toBe('cached');
  });

  it('a response is not stored after a restart of Redis, and claims work again', async () => {
    const owner = await claimNew();
    await server.kill();
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(false);
    expect(await stateOf()).toBe('unavailable');
    server = await startRedis({ port: server.port });
    await vi.waitFor(() => {
      expect(redis.health()).toBe('up');
    }, RECOVERY);
    expect(await claims.storeResponse(id, owner, RESPONSE)).toBe(false);
    await claimNew();
  });
});

describe('with Redis full (noeviction)', () => {
  let full: RedisServer;
  let admin: Client;
  let connection: Redis;
  let store: ClaimStore;

  beforeAll(async () => {
    full = await startRedis({ arguments: ['--maxmemory', '64mb', '--maxmemory-policy', 'noeviction'] });
    admin = new Client(full.url);
    const settings = readSettings({ DATABASE_URL: 'postgres://unused', REDIS_URL: full.url });
    connection = new Redis(settings, new RedisMetrics(new Instruments()), silent);
    await connection.settled();
    store = new ClaimStore(connection, settings);
  });
  afterAll(async () => {
    await connection.close();
    admin.disconnect();
    await full.kill();
  });

  const claimMany = async (count: number): Promise<{ id: IdempotencyId; owner: string }[]> => {
    const made: { id: IdempotencyId; owner: string }[] = [];
    for (let n = 0; n < count; n += 1) {
      const of = newId();
      const claim = await store.claim(of, fingerprint, TTL_MS);
      if (claim.state === 'new') made.push({ id: of, owner: claim.owner });
    }
    expect(made).toHaveLength(count);
    return made;
  };

  it('a claim whose response is rejected is deleted and not remembered', async () => {
    await admin.config('SET', 'maxmemory', '1');
    // Redis allows the deletions of a script, but rejects a stored response.
    for (const { id: of, owner } of await claimMany(50)) {
      expect(await store.storeResponse(of, owner, RESPONSE)).toBe(false);
    }
    expect(connection.health()).toBe('degraded');
    expect(await admin.dbsize()).toBe(0);
    expect(store.orphanedClaimCount).toBe(0);
    await admin.config('SET', 'maxmemory', '64mb');
    const [claim] = await claimMany(1);
    expect(claim && (await store.storeResponse(claim.id, claim.owner, RESPONSE))).toBe(true);
  });

  it('the call whose response is rejected releases the claim: the gateway may not be able to make another one', async () => {
    const [claim] = await claimMany(1);
    if (claim === undefined) throw new Error('no claim was made');
    await admin.config('SET', 'maxmemory', '1');
    const store1 = readFileSync('libs/idempotency/lua/store-1.lua', 'utf8');
    const key = keyOf(claim.id);
    await expect(admin.eval(store1, 1, key, claim.owner, 'a response', TTL_MS)).rejects.toThrow(/^OOM/);
    expect(await admin.exists(key)).toBe(0);
    await admin.config('SET', 'maxmemory', '64mb');
  });

  it('claims that cannot be deleted are remembered up to a limit, until they expire', async () => {
    const made = await claimMany(3);
    const settings = readSettings({ DATABASE_URL: 'postgres://unused', REDIS_URL: full.url });
    // A user that may read, but neither store nor delete.
    await admin.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-hset', '-del', '-pexpire');
    const url = full.url.replace('redis://', 'redis://reader:secret@');
    const reader = new Redis(
      { redisMode: 'single', redisUrl: url, redisTimeoutMs: settings.redisTimeoutMs },
      new RedisMetrics(new Instruments()),
      silent,
    );
    await reader.settled();
    expect(reader.health()).toBe('up');
    const rejected = new ClaimStore(reader, settings);
    for (const { id: of, owner } of made) expect(await rejected.storeResponse(of, owner, RESPONSE)).toBe(false);
    expect(rejected.orphanedClaimCount).toBe(3);
    const [first] = made;
    if (first === undefined) throw new Error('no claim was made');
    for (let n = 0; n < 5; n += 1) await rejected.storeResponse(first.id, first.owner, RESPONSE);
    expect(rejected.orphanedClaimCount).toBe(3);

    const others = await claimMany(1_100);
    await Promise.all(others.map(({ id: of, owner }) => rejected.release(of, owner)));
    expect(rejected.orphanedClaimCount).toBe(1_000);

    const clock = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + settings.requestTimeoutMs + 1);
    await rejected.release(first.id, first.owner);
    clock.mockRestore();
    expect(rejected.orphanedClaimCount).toBe(1);
    await reader.close();
  });
});
