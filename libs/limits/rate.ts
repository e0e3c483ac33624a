import type { Settings } from '#libs/config';
import type { RateUnit } from '#libs/telemetry';

/** How much a client may send: so much a second on average, and at most `burst` of it at once. */
export interface Rate {
  /** 0: as much as it likes. */
  readonly perSecond: number;
  readonly burst: number;
}

/** The limits of a client by what they count. One that is absent is the default's; among those that hold, it is none. */
export type Rates = Readonly<Partial<Record<RateUnit, Rate>>>;

/** What a request takes of each limit. */
export type Cost = Readonly<Record<RateUnit, number>>;

/** What limits a client that has no limits of its own. */
export function defaultRates(settings: Settings): Rates {
  const { rateLimitItemsPerSecond: items, rateLimitRequestsPerSecond: requests } = settings;
  return {
    items: { perSecond: items, burst: settings.rateLimitItemsBurst ?? items },
    requests: { perSecond: requests, burst: settings.rateLimitRequestsBurst ?? requests },
  };
}

/** What limits a client; undefined if nothing does. */
export function ratesInForce(own: Rates, defaults: Rates): Rates | undefined {
  const items = limitOf(own.items ?? defaults.items);
  const requests = limitOf(own.requests ?? defaults.requests);
  if (items === undefined && requests === undefined) return undefined;
  return { ...(items && { items }), ...(requests && { requests }) };
}

function limitOf(rate: Rate | undefined): Rate | undefined {
  return rate === undefined || rate.perSecond === 0 ? undefined : rate;
}
