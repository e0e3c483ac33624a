import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { drawsOf, roomIn, type Standing } from './bucket';
import { LocalBuckets } from './local.buckets';
import type { Cost, Rates } from './rate';

const SECOND = 1_000_000;

let now = 0;
let buckets: LocalBuckets;

beforeEach(() => {
  now = 5 * SECOND;
  buckets = new LocalBuckets(() => now);
});

function charge(rates: Rates, cost: Partial<Cost>, client = 'billing'): Standing[] {
  return buckets.charge(client, drawsOf(rates, { items: 0, requests: 0, ...cost }));
}

/** Whether it was admitted. */
function admits(rates: Rates, cost: Partial<Cost>, client?: string): boolean {
  return charge(rates, cost, client).every(({ waitUs }) => waitUs === 0);
}

const items = (perSecond: number, burst = perSecond): Rates => ({ items: { perSecond, burst } });

describe('a limit', () => {
  it('lets through a burst, and then what comes back', () => {
    const rates = items(10, 30);
    expect(admits(rates, { items: 30 })).toBe(true);
    expect(admits(rates, { items: 1 })).toBe(false);
    now += SECOND / 10;
    expect(admits(rates, { items: 1 })).toBe(true);
    expect(admits(rates, { items: 1 })).toBe(false);
  });

  it('lets through as much as the burst one by one, whatever the rate', () => {
    for (const rate of [1, 3, 7, 999, 333_333, 1_000_000]) {
      const rates = items(rate, 10);
      const admitted = Array.from({ length: 11 }, () => admits(rates, { items: 1 }, String(rate)));
      expect(admitted, String(rate)).toEqual([...Array<boolean>(10).fill(true), false]);
    }
  });

  it('says how long to wait, and then lets it through', () => {
    const rates = items(10, 30);
    charge(rates, { items: 25 });
    const [{ waitUs } = { waitUs: 0 }] = charge(rates, { items: 20 });
    expect(waitUs).toBe(1.5 * SECOND);
    now += waitUs - 1;
    expect(admits(rates, { items: 20 })).toBe(false);
    now += 1;
    expect(admits(rates, { items: 20 })).toBe(true);
  });

  it('is never too small for a request: larger than the burst, it waits for all of it, and the rest is owed', () => {
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

  it('charges nothing for what it refuses, nor does another limit', () => {
    const rates = { ...items(10), requests: { perSecond: 1, burst: 2 } };
    charge(rates, { items: 6, requests: 1 });
    for (let i = 0; i < 5; i += 1) expect(admits(rates, { items: 5, requests: 1 })).toBe(false);
    expect(admits(rates, { items: 4, requests: 1 })).toBe(true);
    expect(admits(rates, { requests: 1 })).toBe(false);
  });

  it('gets back what was not used, never more, and also while it is owed to', () => {
    const rates = items(10);
    charge(rates, { items: 40 });
    expect(charge(rates, { items: -35 })).toMatchObject([{ waitUs: 0, filledUs: SECOND / 2 }]);
    charge(rates, { items: -100 });
    expect(admits(rates, { items: 10 })).toBe(true);
    expect(admits(rates, { items: 1 })).toBe(false);
  });

  it('is of one client alone', () => {
    charge(items(10), { items: 10 }, 'greedy');
    expect(admits(items(10), { items: 10 }, 'modest')).toBe(true);
  });

  it('lets through no more than burst and rate allow, and says how much room there is', () => {
    const step = fc.record({ cost: fc.integer({ min: 1, max: 20 }), rest: fc.integer({ min: 0, max: 2 * SECOND }) });
    const rate = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 20, max: 100 }) });
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 100 }), ({ perSecond, burst }, steps) => {
        const own = new LocalBuckets(() => now);
        const began = now;
        let used = 0;
        let room = burst;
        for (const { cost, rest } of steps) {
          const [draw] = drawsOf(items(perSecond, burst), { items: cost, requests: 0 });
          if (draw === undefined) throw new Error('a limit that is there draws');
          const [{ waitUs, filledUs } = { waitUs: 0, filledUs: 0 }] = own.charge('billing', [draw]);
          expect(waitUs === 0).toBe(cost <= room);
          if (waitUs === 0) used += cost;
          // Less than a microsecond is cut off each charge, and of the burst.
          expect(used).toBeLessThan(burst + ((now - began + steps.length + 1) * perSecond) / SECOND);
          now += rest;
          room = roomIn({ draw, filledUs: Math.max(0, filledUs - rest) });
        }
      }),
    );
  });
});

it('remembers a bounded number of clients: the one unseen for longest is forgotten', () => {
  buckets = new LocalBuckets(() => now, 2);
  const full = (client: string): boolean => !admits(items(1), { items: 1 }, client);
  for (const client of ['a', 'b']) charge(items(1), { items: 1 }, client);
  expect(full('a')).toBe(true);
  charge(items(1), { items: 1 }, 'c');
  expect([full('a'), full('c')]).toEqual([true, true]);
  expect(full('b')).toBe(false);
});
