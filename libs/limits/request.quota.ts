import type { Span } from '#libs/telemetry';
import { type BucketState, chargesOf, type Cost, type Rates } from './rate.bucket';
import type { RateLimitDecision, ClientRef, RateLimiter } from './rate.limiter';

/** The request that a {@link Quota} charges. */
interface MeteredRequest {
  readonly client: ClientRef;
  /** The effective rates of the client. */
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
  private decision: RateLimitDecision = { buckets: [] };
  private consumed = false;

  constructor(
    private readonly limiter: RateLimiter,
    private readonly request: MeteredRequest,
  ) {}

  get rates(): Rates {
    return this.request.rates;
  }

  /** The last decision, with the state of the buckets since; no buckets if none was consulted. */
  get lastDecision(): RateLimitDecision {
    return this.decision;
  }

  /** Whether the request is charged. */
  get isCharged(): boolean {
    return this.consumed;
  }

  /**
   * Charges the request before its work begins.
   *
   * @param items the number of items it writes; undefined for a read
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

  private async tryConsume(cost: Cost, span: Span | undefined): Promise<RateLimitDecision> {
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

/**
 * Charges a write before it is executed, and refunds it if nothing was executed: after an error, and for a replay.
 *
 * @param quota undefined if the client has no rate limits
 * @param items the number of items it writes; undefined if it does not write items
 * @throws RequestError `rate_limited`, and what `execute` throws
 */
export async function executeCharged<T>(
  quota: Quota | undefined,
  items: number | undefined,
  execute: () => Promise<T>,
  isReplay: (result: T) => boolean,
): Promise<T> {
  await quota?.consume(items);
  let result: T;
  try {
    result = await execute();
  } catch (error) {
    await quota?.refund(items ?? 0);
    throw error;
  }
  if (isReplay(result)) await quota?.refund(items ?? 0);
  return result;
}
