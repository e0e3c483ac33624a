import { describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { drawsOf } from './bucket';
import { defaultRates, ratesInForce } from './rate';
import { rateFields } from './rate.fields';

const SECOND = 1_000_000;

function defaults(env: Record<string, string> = {}): ReturnType<typeof defaultRates> {
  return defaultRates(readSettings({ DATABASE_URL: 'postgres://unused', ...env }));
}

describe('what limits a client', () => {
  it('is nothing, as long as nothing is set', () => {
    expect(ratesInForce({}, defaults())).toBeUndefined();
  });

  it('is the default where nothing was set for it', () => {
    const settings = defaults({ RATE_LIMIT_ITEMS_PER_SECOND: '500', RATE_LIMIT_ITEMS_BURST: '1000' });
    expect(ratesInForce({}, settings)).toEqual({ items: { perSecond: 500, burst: 1_000 } });
    const requests = { perSecond: 50, burst: 50 };
    expect(ratesInForce({ requests }, settings)).toEqual({ items: { perSecond: 500, burst: 1_000 }, requests });
  });

  it('has the burst of a second where none is set', () => {
    const settings = defaults({ RATE_LIMIT_REQUESTS_PER_SECOND: '20' });
    expect(ratesInForce({}, settings)).toEqual({ requests: { perSecond: 20, burst: 20 } });
  });

  it('is nothing where it was freed of the default', () => {
    const settings = defaults({ RATE_LIMIT_ITEMS_PER_SECOND: '500' });
    expect(ratesInForce({ items: { perSecond: 0, burst: 0 } }, settings)).toBeUndefined();
  });
});

describe('what an answer says of limits', () => {
  const rates = { items: { perSecond: 500, burst: 1_000 }, requests: { perSecond: 50, burst: 10 } };
  const [items, requests] = drawsOf(rates, { items: 100, requests: 1 });
  if (items === undefined || requests === undefined) throw new Error('both limits draw');

  it('is every policy, and how those stand that the request was held against', () => {
    expect(rateFields(rates, [{ draw: items, waitUs: 0, filledUs: 0.2 * SECOND }])).toEqual({
      'ratelimit-policy': '"items";q=1000;qu="items";w=2, "requests";q=50;w=1',
      ratelimit: '"items";r=900;t=1',
    });
  });

  it('is no room where more than the burst was used', () => {
    expect(rateFields(rates, [{ draw: items, waitUs: 0, filledUs: 7 * SECOND }]).ratelimit).toBe('"items";r=0;t=7');
  });

  it('names no time after Retry-After', () => {
    const standings = [
      { draw: items, waitUs: 1.5 * SECOND, filledUs: 3 * SECOND },
      { draw: requests, waitUs: 0, filledUs: 0.02 * SECOND },
    ];
    expect(rateFields(rates, standings, 2).ratelimit).toBe('"items";r=0;t=2, "requests";r=9;t=1');
  });
});
