import { describe, expect, it } from 'vitest';
import type { BucketState, Rates } from '#libs/limits';
import { rateLimitFields } from './rate-limit.hook';

const SECOND = 1_000_000;
const rates = {
  items: { perSecond: 500, burst: 1_000 },
  requests: { perSecond: 50, burst: 10 },
  bytes: { perSecond: 1_000_000, burst: 2_500_000 },
} as const satisfies Rates;

function state(unit: keyof typeof rates, levelUs: number, waitUs = 0): BucketState {
  const rate = rates[unit];
  return { charge: { unit, rate, costUs: 0, sizeUs: (rate.burst / rate.perSecond) * SECOND }, waitUs, levelUs };
}

describe('the RateLimit fields', () => {
  it('are absent if no bucket was consulted', () => {
    expect(rateLimitFields(rates, { buckets: [] })).toEqual({});
  });

  it('name every policy with its quota unit, and the buckets that were consulted', () => {
    expect(rateLimitFields(rates, { buckets: [state('items', 0.2 * SECOND), state('bytes', 1.2 * SECOND)] })).toEqual({
      'ratelimit-policy':
        '"items";q=1000;qu="items";w=2, "requests";q=50;w=1, "bytes";q=3000000;qu="content-bytes";w=3',
      ratelimit: '"items";r=900;t=1, "bytes";r=1300000;t=2',
    });
  });

  it('report nothing available in an overdrawn bucket', () => {
    expect(rateLimitFields(rates, { buckets: [state('bytes', 7 * SECOND)] }).ratelimit).toBe('"bytes";r=0;t=7');
  });

  it('have no reset later than Retry-After in the response to a rejected request', () => {
    const rejectedBy = state('items', 3 * SECOND, 1.5 * SECOND);
    const buckets = [rejectedBy, state('requests', 0.02 * SECOND)];
    expect(rateLimitFields(rates, { buckets, rejectedBy }).ratelimit).toBe('"items";r=0;t=2, "requests";r=9;t=1');
  });
});
