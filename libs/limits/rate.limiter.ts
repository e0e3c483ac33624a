import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { MAX_RETRY_AFTER_SECONDS, RequestError } from '#libs/errors';
import { Redis, type RedisScript } from '#libs/redis';
import type { Span } from '#libs/telemetry';
import { LimitsMetrics } from './limits.metrics';
import {
  type BucketCharge,
  type BucketState,
  defaultRates,
  LocalBuckets,
  type Rates,
  effectiveRates,
  wholeSeconds,
} from './rate.bucket';

/** The client that rate limits apply to, whichever of its API keys it uses. */
export interface ClientRef {
  readonly teamId: string;
  readonly clientId: string;
}

/** Whether a request may proceed. */
export interface RateLimitDecision {
  /** The buckets that the request was charged to, or that it was rejected by. */
  readonly buckets: readonly BucketState[];
  /** Set if the request was rejected, and then nothing was charged: the bucket with the longest wait. */
  readonly rejectedBy?: BucketState;
}

/**
 * Limits the rate of each client over all gateways that share a Redis. While Redis is unavailable, each gateway applies the same
 * limits on its own. Each call is one round trip to Redis at most.
 */
@Injectable()
export class RateLimiter {
  private readonly script: RedisScript;
  private readonly local = new LocalBuckets();
  private readonly defaults: Rates;

  constructor(
    redis: Redis,
    settings: Settings,
    private readonly metrics: LimitsMetrics,
  ) {
    this.script = redis.script(join(__dirname, 'lua', 'charge-1.lua'));
    this.defaults = defaultRates(settings);
  }

  /** The rates that limit a client; undefined if none does. @param own the limits configured for the client */
  effectiveRates(own: Rates): Rates | undefined {
    return effectiveRates(own, this.defaults);
  }

  /** Charges all buckets if the cost fits into each of them, else none. Never rejects. */
  async consume(client: ClientRef, charges: readonly BucketCharge[], span?: Span): Promise<RateLimitDecision> {
    const key = keyOf(client);
    const reply = await this.script([key], ['consume', ...argumentsOf(charges)], span);
    this.metrics.countRateCheck(reply.ok ? 'redis' : 'process');
    const buckets = reply.ok ? statesOf(charges, reply.value) : this.local.consume(key, charges);
    const slowest = buckets.toSorted((one, other) => other.waitUs - one.waitUs)[0];
    return slowest === undefined || slowest.waitUs === 0 ? { buckets } : { buckets, rejectedBy: slowest };
  }

  /** Charges all buckets even if the cost does not fit (a debt), or refunds a negative cost. Never rejects. */
  async adjust(client: ClientRef, charges: readonly BucketCharge[], span?: Span): Promise<BucketState[]> {
    const key = keyOf(client);
    const reply = await this.script([key], ['adjust', ...argumentsOf(charges)], span);
    return reply.ok ? statesOf(charges, reply.value) : this.local.adjust(key, charges);
  }

  /** The error response of a rejected request; counts it. */
  rejection({ charge: { unit, rate }, waitUs }: BucketState): RequestError {
    this.metrics.countRateLimited(unit);
    const seconds = retryAfterSeconds(waitUs);
    const limit = `${rate.perSecond} ${unit} per second with a burst of ${rate.burst}`;
    const message = `The rate limit of the client is exceeded: ${limit}. Nothing was done. Retry after ${seconds} s.`;
    return new RequestError('rate_limited', message, { retryAfterSeconds: seconds });
  }
}

/** `Retry-After` of a request that has to wait, in whole seconds. */
export function retryAfterSeconds(waitUs: number): number {
  return Math.min(MAX_RETRY_AFTER_SECONDS, wholeSeconds(waitUs));
}

function keyOf({ teamId, clientId }: ClientRef): string {
  return `prism:{${teamId}}:rates:${clientId}`;
}

function argumentsOf(charges: readonly BucketCharge[]): (string | number)[] {
  return charges.flatMap(({ unit, costUs, sizeUs }) => [unit, costUs, sizeUs]);
}

function statesOf(charges: readonly BucketCharge[], value: unknown): BucketState[] {
  const numbers = value as readonly number[]; // the output that charge-1.lua documents
  return charges.map((charge, i) => ({ charge, waitUs: numbers[2 * i] ?? 0, levelUs: numbers[2 * i + 1] ?? 0 }));
}
