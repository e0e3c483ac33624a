import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Redis as Client } from 'ioredis';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { drawsOf, LocalBuckets } from '#libs/limits';

const file = 'libs/limits/charge-1.lua';
/** As of today, in microseconds. */
const today = 1_800_000_000_000_000;

/** The script with a clock that the test sets, and without what ends by the clock of Redis. */
function withClock(lua: string): string {
  const changed = lua
    .replace("redis.call('TIME')", "redis.call('HMGET', 'clock of ' .. KEYS[1], 'seconds', 'micros')")
    .replace("redis.call('PEXPIRE',", "redis.call('EXISTS',");
  expect(changed.match(/'clock of |'EXISTS'/g)).toHaveLength(2);
  return changed;
}

const rate = fc.record({
  perSecond: fc.integer({ min: 1, max: 1_000_000 }),
  burst: fc.integer({ min: 1, max: 1_000_000 }),
});
const amount = fc.oneof(fc.constant(0), fc.integer({ min: -100, max: 100 }), fc.integer({ min: 0, max: 2_000_000 }));
const step = fc.record({
  items: amount,
  requests: amount,
  restUs: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 5_000_000 })),
});

let redis: Client;
let script: string;

beforeAll(() => {
  redis = new Client(inject('redisUrl'));
  script = withClock(readFileSync(file, 'utf8'));
});
afterAll(() => redis.quit());

it('a process by itself decides as Redis does, whatever is asked', { timeout: 60_000 }, async () => {
  const steps = fc.array(step, { minLength: 1, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(fc.record({ items: rate, requests: rate }), steps, async (rates, asked) => {
      const client = randomUUID();
      let now = today;
      const local = new LocalBuckets(() => now);
      for (const { restUs, ...cost } of asked) {
        now += restUs;
        const draws = drawsOf(rates, cost);
        await redis.hset(`clock of ${client}`, { seconds: Math.floor(now / 1e6), micros: now % 1e6 });
        const args = draws.flatMap(({ unit, costUs, sizeUs }) => [unit, costUs, sizeUs]);
        const answer = (await redis.eval(script, 1, client, ...args)) as number[];
        const decided = local.charge(client, draws);
        expect(answer).toEqual(decided.flatMap(({ waitUs, filledUs }) => [waitUs, filledUs]));
      }
      await redis.del(client, `clock of ${client}`);
    }),
    { numRuns: 200 },
  );
});
