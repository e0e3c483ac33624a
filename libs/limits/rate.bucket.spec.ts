import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import {
  availableIn,
  type BucketState,
  chargesOf,
  type Cost,
  defaultRates,
  LocalBuckets,
  type Rates,
  effectiveRates,
} from './rate.bucket';

function defaults(env: Record<string, string> = {}): ReturnType<typeof defaultRates> {
  return defaultRates(readSettings({ DATABASE_URL: 'postgres://unused', ...env }));
}

describe('the effective rates', () => {
  it('are none by default', () => {
    expect(effectiveRates({}, defaults())).toBeUndefined();
  });

  it('are the defaults for units that are not configured for the client', () => {
    const settings = defaults({ RATE_LIMIT_ITEMS_PER_SECOND: '500', RATE_LIMIT_ITEMS_BURST: '1000' });
    expect(effectiveRates({}, settings)).toEqual({ items: { perSecond: 500, burst: 1_000 } });
    const requests = { perSecond: 50, burst: 50 };
    expect(effectiveRates({ requests }, settings)).toEqual({ items: { perSecond: 500, burst: 1_000 }, requests });
  });

  it('have a burst of one second unless one is configured', () => {
    const settings = defaults({ RATE_LIMIT_REQUESTS_PER_SECOND: '20', RATE_LIMIT_BYTES_PER_SECOND: '1000000' });
    const bytes = { perSecond: 1_000_000, burst: 1_000_000 };
    expect(effectiveRates({}, settings)).toEqual({ requests: { perSecond: 20, burst: 20 }, bytes });
  });

  it('leave out a unit whose default the client is exempt from', () => {
    const settings = defaults({ RATE_LIMIT_BYTES_PER_SECOND: '500', RATE_LIMIT_BYTES_BURST: '9000' });
    expect(effectiveRates({}, settings)).toEqual({ bytes: { perSecond: 500, burst: 9_000 } });
    expect(effectiveRates({ bytes: { perSecond: 0, burst: 0 } }, settings)).toBeUndefined();
  });
});

describe('the charges of a request', () => {
  const rates = { items: { perSecond: 10, burst: 30 }, bytes: { perSecond: 1_000_000_000, burst: 1_000_000_000 } };

  it('are those of the units that it uses and the client is limited in', () => {
    expect(chargesOf(rates, { requests: 1, bytes: 0 }).map(({ unit }) => unit)).toEqual(['bytes']);
    expect(chargesOf(rates, { requests: 1, bytes: 0, items: 3 }).map(({ unit }) => unit)).toEqual(['items', 'bytes']);
  });

  it('are exact to the microsecond, whatever the rate', () => {
    expect(chargesOf(rates, { items: 15, bytes: 5_000_999 })).toMatchObject([
      { costUs: 1_500_000, sizeUs: 3_000_000 },
      { costUs: 5_000, sizeUs: 1_000_000 },
    ]);
  });

  it('leave the unused part of the burst available', () => {
    const [items] = chargesOf(rates, { items: 1 });
    if (items === undefined) throw new Error('items are limited');
    expect(availableIn({ charge: items, levelUs: 0 })).toBe(30);
    expect(availableIn({ charge: items, levelUs: 100_001 })).toBe(28);
    expect(availableIn({ charge: items, levelUs: 7_000_000 })).toBe(0);
  });
});

const SECOND = 1_000_000;

let now = 0;
let buckets: LocalBuckets;

beforeEach(() => {
  now = 5 * SECOND;
  buckets = new LocalBuckets(() => now);
});

function consume(rates: Rates, cost: Cost, client = 'billing'): BucketState[] {
  return buckets.consume(client, chargesOf(rates, cost));
}

function adjust(rates: Rates, cost: Cost): BucketState[] {
  return buckets.adjust('billing', chargesOf(rates, cost));
}

function admits(rates: Rates, cost: Cost, client?: string): boolean {
  return consume(rates, cost, client).every(({ waitUs }) => waitUs === 0);
}

const items = (perSecond: number, burst = perSecond): Rates => ({ items: { perSecond, burst } });

describe('a bucket', () => {
  it('admits a burst, then as much as drains', () => {
    const rates = items(10, 30);
    expect(admits(rates, { items: 30 })).toBe(true);
    expect(admits(rates, { items: 1 })).toBe(false);
    now += SECOND / 10;
    expect(admits(rates, { items: 1 })).toBe(true);
    expect(admits(rates, { items: 1 })).toBe(false);
  });

  it('admits the whole burst in single items, whatever the rate', () => {
    for (const rate of [1, 3, 7, 999, 333_333, 1_000_000]) {
      const rates = items(rate, 10);
      const admitted = Array.from({ length: 11 }, () => admits(rates, { items: 1 }, String(rate)));
      expect(admitted, String(rate)).toEqual([...Array<boolean>(10).fill(true), false]);
    }
  });

  it('reports the wait after which it admits a rejected request', () => {
    const rates = items(10, 30);
    consume(rates, { items: 25 });
    const [{ waitUs } = { waitUs: 0 }] = consume(rates, { items: 20 });
    expect(waitUs).toBe(1.5 * SECOND);
    now += waitUs - 1;
    expect(admits(rates, { items: 20 })).toBe(false);
    now += 1;
    expect(admits(rates, { items: 20 })).toBe(true);
  });

  it('admits a request larger than the burst when it is empty, and drains all of it before the next one', () => {
    const rates = items(10);
    expect(admits(rates, { items: 40 })).toBe(true);
    now += 3 * SECOND;
    expect(admits(rates, { items: 1 })).toBe(false);
    now += SECOND / 10;
    expect(admits(rates, { items: 1 })).toBe(true);
    expect(admits(rates, { items: 40 })).toBe(false);
    now += SECOND;
    expect(admits(rates, { items: 40 })).toBe(true);
  });

  it('is not charged for a request that any bucket rejects', () => {
    const rates = { ...items(10), requests: { perSecond: 1, burst: 2 } };
    consume(rates, { items: 6, requests: 1 });
    for (let i = 0; i < 5; i += 1) expect(admits(rates, { items: 5, requests: 1 })).toBe(false);
    expect(admits(rates, { items: 4, requests: 1 })).toBe(true);
    expect(admits(rates, { requests: 1 })).toBe(false);
  });

  it('accepts a refund, down to empty, even while it is overdrawn', () => {
    const rates = items(10);
    consume(rates, { items: 40 });
    expect(adjust(rates, { items: -35 })).toMatchObject([{ waitUs: 0, levelUs: SECOND / 2 }]);
    adjust(rates, { items: -100 });
    expect(admits(rates, { items: 10 })).toBe(true);
    expect(admits(rates, { items: 1 })).toBe(false);
  });

  it('accepts a debt without room for it, and rejects even a cost of 0 until the debt is paid', () => {
    const rates = { bytes: { perSecond: 1_000, burst: 2_000 } };
    expect(admits(rates, { bytes: 1_500 })).toBe(true);
    expect(adjust(rates, { bytes: 3_000 })).toMatchObject([{ waitUs: 0, levelUs: 4.5 * SECOND }]);
    expect(consume(rates, { bytes: 0 })).toMatchObject([{ waitUs: 2.5 * SECOND, levelUs: 4.5 * SECOND }]);
    now += 2.5 * SECOND;
    expect(admits(rates, { bytes: 0 })).toBe(true);
    expect(admits(rates, { bytes: 1 })).toBe(false);
  });

  it('belongs to one client', () => {
    consume(items(10), { items: 10 }, 'greedy');
    expect(admits(items(10), { items: 10 }, 'modest')).toBe(true);
  });

  it('admits no more than burst and rate allow, and reports how much is available', () => {
    const step = fc.record({ cost: fc.integer({ min: 1, max: 20 }), rest: fc.integer({ min: 0, max: 2 * SECOND }) });
    const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 20, max: 100 }) });
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 100 }), ({ perSecond, burst }, steps) => {
        const own = new LocalBuckets(() => now);
        const startedAt = now;
        let used = 0;
        let available = burst;
        for (const { cost, rest } of steps) {
          const [charge] = chargesOf(items(perSecond, burst), { items: cost });
          if (charge === undefined) throw new Error('items are limited');
          const [{ waitUs, levelUs } = { waitUs: 0, levelUs: 0 }] = own.consume('billing', [charge]);
          expect(waitUs === 0).toBe(cost <= available);
          if (waitUs === 0) used += cost;
          // Rounding favors the client by less than a microsecond per charge, and for the burst.
          expect(used).toBeLessThan(burst + ((now - startedAt + steps.length + 1) * perSecond) / SECOND);
          now += rest;
          available = availableIn({ charge, levelUs: Math.max(0, levelUs - rest) });
        }
      }),
    );
  });
});

it('holds a bounded number of clients, and evicts the least recently seen one', () => {
  buckets = new LocalBuckets(() => now, 2);
  const full = (client: string): boolean => !admits(items(1), { items: 1 }, client);
  for (const client of ['a', 'b']) consume(items(1), { items: 1 }, client);
  expect(full('a')).toBe(true);
  consume(items(1), { items: 1 }, 'c');
  expect([full('a'), full('c')]).toEqual([true, true]);
  expect(full('b')).toBe(false);
});
