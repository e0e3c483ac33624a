import { describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { availableIn, chargesOf, defaultRates, ratesInForce } from './rate';

function defaults(env: Record<string, string> = {}): ReturnType<typeof defaultRates> {
  return defaultRates(readSettings({ DATABASE_URL: 'postgres://unused', ...env }));
}

describe('the rates in force', () => {
  it('are none by default', () => {
    expect(ratesInForce({}, defaults())).toBeUndefined();
  });

  it('are the defaults for units that are not configured for the client', () => {
    const settings = defaults({ RATE_LIMIT_ITEMS_PER_SECOND: '500', RATE_LIMIT_ITEMS_BURST: '1000' });
    expect(ratesInForce({}, settings)).toEqual({ items: { perSecond: 500, burst: 1_000 } });
    const requests = { perSecond: 50, burst: 50 };
    expect(ratesInForce({ requests }, settings)).toEqual({ items: { perSecond: 500, burst: 1_000 }, requests });
  });

  it('have a burst of one second unless one is configured', () => {
    const settings = defaults({ RATE_LIMIT_REQUESTS_PER_SECOND: '20', RATE_LIMIT_BYTES_PER_SECOND: '1000000' });
    const bytes = { perSecond: 1_000_000, burst: 1_000_000 };
    expect(ratesInForce({}, settings)).toEqual({ requests: { perSecond: 20, burst: 20 }, bytes });
  });

  it('leave out a unit whose default the client is exempt from', () => {
    const settings = defaults({ RATE_LIMIT_BYTES_PER_SECOND: '500', RATE_LIMIT_BYTES_BURST: '9000' });
    expect(ratesInForce({}, settings)).toEqual({ bytes: { perSecond: 500, burst: 9_000 } });
    expect(ratesInForce({ bytes: { perSecond: 0, burst: 0 } }, settings)).toBeUndefined();
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
