import type { BucketCharge, BucketState } from './rate';

const MAX_CLIENTS = 10_000;

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
    private readonly capacity = MAX_CLIENTS,
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
    return states.some(({ waitUs }) => waitUs > 0) ? states : charged(buckets, charges, now);
  }

  /** Charges all buckets even if the cost does not fit (a debt), or refunds a negative cost. */
  adjust(client: string, charges: readonly BucketCharge[]): BucketState[] {
    return charged(this.bucketsOf(client), charges, this.now());
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

function charged(buckets: Map<string, number>, charges: readonly BucketCharge[], now: number): BucketState[] {
  return charges.map((charge) => {
    const levelUs = Math.max(0, levelOf(buckets, charge, now) + charge.costUs);
    buckets.set(charge.unit, now + levelUs);
    return { charge, waitUs: 0, levelUs };
  });
}
