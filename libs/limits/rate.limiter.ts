import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { RequestError } from '#libs/errors';
import { Redis, type RedisScript } from '#libs/redis';
import type { Span } from '#libs/telemetry';
import { LimitsMetrics } from './limits.metrics';
import {
  type BucketCharge,
  type BucketState,
  chargesOf,
  type Cost,
  defaultRates,
  LocalBuckets,
  type Rates,
  ratesInForce,
  wholeSeconds,
} from './rate.bucket';

const MAX_RETRY_AFTER_SECONDS = 60;

/** The owner of the buckets: an application, whichever of its API keys it uses. */
interface LimitedClient {
  readonly teamId: string;
  readonly clientId: string;
}

/** Whether a request may proceed. */
export interface Decision {
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
  ratesOf(own: Rates): Rates | undefined {
    return ratesInForce(own, this.defaults);
  }

  /** Charges all buckets if the cost fits into each of them, else none. Never rejects. */
  async consume(client: LimitedClient, charges: readonly BucketCharge[], span?: Span): Promise<Decision> {
    const key = keyOf(client);
    const reply = await this.script([key], ['consume', ...argumentsOf(charges)], span);
    this.metrics.countCheck(reply.ok ? 'redis' : 'process');
    const buckets = reply.ok ? statesOf(charges, reply.value) : this.local.consume(key, charges);
    const slowest = buckets.toSorted((one, other) => other.waitUs - one.waitUs)[0];
    return slowest === undefined || slowest.waitUs === 0 ? { buckets } : { buckets, rejectedBy: slowest };
  }

  /** Charges all buckets even if the cost does not fit (a debt), or refunds a negative cost. Never rejects. */
  async adjust(client: LimitedClient, charges: readonly BucketCharge[], span?: Span): Promise<BucketState[]> {
    const key = keyOf(client);
    const reply = await this.script([key], ['adjust', ...argumentsOf(charges)], span);
    return reply.ok ? statesOf(charges, reply.value) : this.local.adjust(key, charges);
  }

  /** The error response of a rejected request; counts it. */
  rejection({ charge: { unit, rate }, waitUs }: BucketState): RequestError {
    this.metrics.countLimited(unit);
    const seconds = retryAfterSeconds(waitUs);
    const limit = `${rate.perSecond} ${unit} per second with a burst of ${rate.burst}`;
    const message = `The rate limit of the client is exceeded: ${limit}. Nothing was done. Retry after ${seconds} s.`;
    return new RequestError('rate_limited', message, { retryAfterSeconds: seconds });
  }
}

/** The request that a {@link Quota} charges. */
interface MeteredRequest {
  readonly client: LimitedClient;
  /** The rates in force for the client. */
  readonly rates: Rates;
  /** Size of the request body. */
  readonly bodyBytes: number;
  /** Undefined if the request is not traced. */
  readonly span: Span | undefined;
}

/**
 * Charges one request to the rate limits of its client: the request, its items and its body before the work, and the body of
 * its response after it. A request that is refunded, such as a replay, is not charged for its response.
 */
export class Quota {
  private decision: Decision = { buckets: [] };
  private consumed = false;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly request: MeteredRequest,
  ) {}

  get rates(): Rates {
    return this.request.rates;
  }

  /** The last decision, with the state of the buckets since; no buckets if none was consulted. */
  get lastDecision(): Decision {
    return this.decision;
  }

  /** Whether the request is charged. */
  get isCharged(): boolean {
    return this.consumed;
  }

  /**
   * Charges the request before its work begins.
   *
   * @param items what it writes; undefined for a read
   * @throws RequestError `rate_limited`: nothing was charged
   */
  async consume(items?: number): Promise<void> {
    const cost = { requests: 1, bytes: this.request.bodyBytes, ...(items !== undefined && { items }) };
    this.decision = await this.tryConsume(cost, this.request.span);
    if (this.decision.rejectedBy) throw this.limiter.rejection(this.decision.rejectedBy);
    this.consumed = true;
  }

  /** Refunds items that an earlier attempt at the request executed. */
  async refundItems(items: number): Promise<void> {
    this.decision = { buckets: await this.adjust({ items: -items, requests: 0, bytes: 0 }) };
  }

  /** Refunds a request that was not executed. */
  async refund(items: number): Promise<void> {
    this.consumed = false;
    this.decision = { buckets: await this.adjust({ items: -items, requests: -1, bytes: -this.request.bodyBytes }) };
  }

  /**
   * Charges a request that was rejected as invalid before it was charged, if the cost fits. Its response does not change, and
   * has no `RateLimit` fields.
   */
  async chargeInvalid(): Promise<void> {
    await this.tryConsume({ requests: 1, bytes: this.request.bodyBytes }, undefined);
  }

  /**
   * Charges the body of the response of a charged request, as a debt: the bucket may overflow, and then later requests wait.
   * Updates {@link lastDecision} at once; the promise need not be awaited before the response is sent.
   */
  async chargeResponse(bytes: number): Promise<void> {
    const [charge] = chargesOf(this.rates, { bytes });
    if (charge === undefined || !this.consumed) return;
    this.decision = {
      buckets: this.decision.buckets.map((state) =>
        state.charge.unit === 'bytes' ? { ...state, levelUs: state.levelUs + charge.costUs } : state,
      ),
    };
    await this.limiter.adjust(this.request.client, [charge]);
  }

  private async tryConsume(cost: Cost, span: Span | undefined): Promise<Decision> {
    const charges = chargesOf(this.rates, cost);
    if (charges.length === 0) return { buckets: [] };
    return this.limiter.consume(this.request.client, charges, span);
  }

  private async adjust(cost: Cost): Promise<readonly BucketState[]> {
    const charges = chargesOf(this.rates, cost);
    if (charges.length === 0) return [];
    return this.limiter.adjust(this.request.client, charges, this.request.span);
  }
}

/** `Retry-After` of a request that has to wait, in whole seconds. */
export function retryAfterSeconds(waitUs: number): number {
  return Math.min(MAX_RETRY_AFTER_SECONDS, wholeSeconds(waitUs));
}

function keyOf({ teamId, clientId }: LimitedClient): string {
  return `prism:{${teamId}}:rates:${clientId}`;
}

function argumentsOf(charges: readonly BucketCharge[]): (string | number)[] {
  return charges.flatMap(({ unit, costUs, sizeUs }) => [unit, costUs, sizeUs]);
}

function statesOf(charges: readonly BucketCharge[], value: unknown): BucketState[] {
  const numbers = value as readonly number[]; // the output that charge-1.lua documents
  return charges.map((charge, i) => ({ charge, waitUs: numbers[2 * i] ?? 0, levelUs: numbers[2 * i + 1] ?? 0 }));
}
