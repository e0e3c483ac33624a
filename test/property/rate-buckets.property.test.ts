// @module-tag redis-server
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { chargesOf, LocalBuckets, MAX_RATES, type Rate } from '#libs/limits';

const file = 'libs/limits/lua/charge-1.lua';
/** A present-day time in microseconds: charges must be exact at this size. */
const today = 1_800_000_000_000_000;

/** The script with a clock that the test sets, and without expiry, which goes by the clock of Redis. */
function withClock(lua: string): string {
  const changed = lua
    .replace("redis.call('TIME')", "redis.call('HMGET', 'clock of ' .. KEYS[1], 'seconds', 'micros')")
    .replace("redis.call('PEXPIRE',", "redis.call('EXISTS',");
  expect(changed.match(/'clock of |'EXISTS'/g)).toHaveLength(2);
  return changed;
}

function rateUpTo(max: number): fc.Arbitrary<Rate> {
  return fc.record({ perSecond: fc.integer({ min: 1, max }), burst: fc.integer({ min: 1, max }) });
}
const amount = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 20_000_000 }));
const signed = fc.oneof(amount, fc.integer({ min: -100, max: 0 }));
const operation = fc.oneof(
  fc.record({ mode: fc.constant('consume' as const), items: amount, requests: amount, bytes: amount }),
  fc.record({ mode: fc.constant('adjust' as const), items: signed, requests: signed, bytes: signed }),
);
const step = fc.record({
  operation,
  restUs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 5_000_000 })),
});

let redis: Client;
let script: string;

beforeAll(() => {
  redis = new Client(inject('redisUrl'));
  script = withClock(readFileSync(file, 'utf8'));
});
afterAll(() => redis.quit());

it('the local buckets decide like those in Redis, for generated charges', { timeout: 60_000 }, async () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 25 });
  const limits = fc.record(
    { items: rateUpTo(MAX_RATES.items), requests: rateUpTo(MAX_RATES.requests), bytes: rateUpTo(MAX_RATES.bytes) },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(limits, steps, async (rates, sequence) => {
      const client = randomUUID();
      let now = today;
      const local = new LocalBuckets(() => now);
      for (const { restUs, operation } of sequence) {
        now += restUs;
        const { mode, ...cost } = operation;
        const charges = chargesOf(rates, cost);
        await redis.hset(`clock of ${client}`, { seconds: Math.floor(now / 1e6), micros: now % 1e6 });
        const args = charges.flatMap(({ unit, costUs, sizeUs }) => [unit, costUs, sizeUs]);
        const output = (await redis.eval(script, 1, client, mode, ...args)) as number[]; // as the script documents
        const states = local[mode](client, charges);
        expect(output).toEqual(states.flatMap(({ waitUs, levelUs }) => [waitUs, levelUs]));
      }
      await redis.del(client, `clock of ${client}`);
    }),
    { numRuns: 200 },
  );
});
