import type { Settings } from '#libs/config';

/*
 * A rate limit is a leaky bucket: a request adds its cost, the bucket drains at the rate, and a request whose cost does not fit
 * is rejected. The level of a bucket is stored as the time, in whole microseconds, until it is empty, so that one timestamp is
 * its whole state. charge-1.lua does the same arithmetic in Redis.
 */

/** The units of rate limits. */
export const RATE_UNITS = ['items', 'requests', 'bytes'] as const;
export type RateUnit = (typeof RATE_UNITS)[number];

const SECOND_US = 1_000_000;
/** The maximum number of clients whose buckets one process stores. */
const MAX_LOCAL_CLIENTS = 10_000;

/** The highest rate and burst that can be configured, by unit; the settings and the table `client_limits` have the same. */
export const MAX_RATES: Readonly<Record<RateUnit, number>> = {
  items: 1_000_000,
  requests: 1_000_000,
  bytes: 1_000_000_000,
};

/** A rate limit of one unit: an average rate, and how much may be used at once. */
export interface Rate {
  /** 0: unlimited. */
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * The rate limits of a client, by unit. As configured for a client, a missing unit means that the default applies; in the effective
 * rates, that the unit is unlimited.
 */
export type Rates = Readonly<Partial<Record<RateUnit, Rate>>>;

/** The cost of a request, by unit. The buckets of missing units are not consulted. */
export type Cost = Readonly<Partial<Record<RateUnit, number>>>;

/** The cost of a request for one bucket. All durations are in microseconds. */
export interface BucketCharge {
  readonly unit: RateUnit;
  readonly rate: Rate;
  /** Negative: a refund. */
  readonly costUs: number;
  /** The capacity of the bucket. */
  readonly sizeUs: number;
}

/** A bucket after it was consulted: with the charge, or without it if the request was rejected. */
export interface BucketState {
  readonly charge: BucketCharge;
  /** Time until the cost fits; 0 if it did. */
  readonly waitUs: number;
  /** Time until the bucket is empty. */
  readonly levelUs: number;
}

/** The rate limits of a client without limits of its own. */
export function defaultRates(settings: Settings): Rates {
  const { rateLimitItemsPerSecond, rateLimitRequestsPerSecond, rateLimitBytesPerSecond } = settings;
  return {
    items: { perSecond: rateLimitItemsPerSecond, burst: settings.rateLimitItemsBurst ?? rateLimitItemsPerSecond },
    requests: {
      perSecond: rateLimitRequestsPerSecond,
      burst: settings.rateLimitRequestsBurst ?? rateLimitRequestsPerSecond,
    },
    bytes: { perSecond: rateLimitBytesPerSecond, burst: settings.rateLimitBytesBurst ?? rateLimitBytesPerSecond },
  };
}

/** The rates that limit a client; undefined if none does. */
export function effectiveRates(own: Rates, defaults: Rates): Rates | undefined {
  let effective: Partial<Record<RateUnit, Rate>> | undefined;
  for (const unit of RATE_UNITS) {
    const rate = own[unit] ?? defaults[unit];
    if (rate !== undefined && rate.perSecond > 0) (effective ??= {})[unit] = rate;
  }
  return effective;
}

/** The charges to the buckets of a client for a cost. */
export function chargesOf(rates: Rates, cost: Cost): BucketCharge[] {
  return RATE_UNITS.flatMap((unit) => {
    const [rate, amount] = [rates[unit], cost[unit]];
    if (rate === undefined || amount === undefined) return [];
    const { perSecond, burst } = rate;
    return {
      unit,
      rate,
      // Rounded in favor of the client, so that the whole burst fits even in single units.
      costUs: Math.trunc((amount * SECOND_US) / perSecond),
      sizeUs: Math.ceil((burst * SECOND_US) / perSecond),
    };
  });
}

/** The available quota of a bucket, in its unit. */
export function availableIn({ charge: { rate, sizeUs }, levelUs }: Pick<BucketState, 'charge' | 'levelUs'>): number {
  const { perSecond, burst } = rate;
  // The inverse of the truncation in `chargesOf`.
  const fits = Math.ceil(((sizeUs - levelUs + 1) * perSecond) / SECOND_US) - 1;
  return Math.min(burst, Math.max(0, fits));
}

/** Microseconds as whole seconds, rounded up; at least 1. */
export function wholeSeconds(us: number): number {
  return Math.max(1, Math.ceil(us / SECOND_US));
}

/**
 * The rate limit buckets of clients in the memory of this process; the same arithmetic as `charge-1.lua`. Holds a bounded
 * number of clients: the least recently seen one is evicted, and its buckets start empty again.
 */
export class LocalBuckets {
  /** Per client, the time at which each of its buckets is empty, by unit. The least recently seen client comes first. */
  private readonly clients = new Map<string, Map<string, number>>();

  /** @param now a monotonic clock in microseconds */
  constructor(
    private readonly now: () => number = () => Math.floor(performance.now() * 1_000),
    private readonly capacity = MAX_LOCAL_CLIENTS,
  ) {}

  /** Charges all buckets if the cost fits into each of them, else none. */
  consume(client: string, charges: readonly BucketCharge[]): BucketState[] {
    const now = this.now();
    const buckets = this.bucketsOf(client);
    const states = charges.map((charge): BucketState => {
      const levelUs = levelOf(buckets, charge, now);
      // A cost larger than the bucket fits when the bucket is empty.
      const waitUs = Math.max(0, levelUs + Math.min(charge.costUs, charge.sizeUs) - charge.sizeUs);
      return { charge, waitUs, levelUs };
    });
    return states.some(({ waitUs }) => waitUs > 0) ? states : chargeAll(buckets, charges, now);
  }

  /** Charges all buckets even if the cost does not fit (a debt), or refunds a negative cost. */
  adjust(client: string, charges: readonly BucketCharge[]): BucketState[] {
    return chargeAll(this.bucketsOf(client), charges, this.now());
  }

  private bucketsOf(client: string): Map<string, number> {
    const buckets = this.clients.get(client) ?? new Map<string, number>();
    this.clients.delete(client);
    this.clients.set(client, buckets);
    if (this.clients.size > this.capacity) {
      const [oldest = client] = this.clients.keys();
      this.clients.delete(oldest);
    }
    return buckets;
  }
}

function levelOf(buckets: ReadonlyMap<string, number>, { unit }: BucketCharge, now: number): number {
  return Math.max(0, (buckets.get(unit) ?? 0) - now);
}

function chargeAll(buckets: Map<string, number>, charges: readonly BucketCharge[], now: number): BucketState[] {
  return charges.map((charge) => {
    const levelUs = Math.max(0, levelOf(buckets, charge, now) + charge.costUs);
    buckets.set(charge.unit, now + levelUs);
    return { charge, waitUs: 0, levelUs };
  });
}
