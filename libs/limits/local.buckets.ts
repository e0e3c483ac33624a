import type { Draw, Standing } from './bucket';

/** As many clients are remembered, whatever is asked of their buckets. */
const CLIENTS = 10_000;

/**
 * The buckets of clients in the memory of this process: `charge-1.lua`, with the same numbers. Bounded: of too many clients,
 * the one unseen for longest is forgotten, which is then limited as if it had rested.
 */
export class LocalBuckets {
  /** By client, when each of its buckets will be empty. The client unseen for longest comes first. */
  private readonly clients = new Map<string, Map<string, number>>();

  /** @param now microseconds, never going back */
  constructor(
    private readonly now: () => number = () => Math.floor(performance.now() * 1_000),
    private readonly capacity = CLIENTS,
  ) {}

  /** Pours into all of the buckets, or, if one has no room, into none. */
  charge(client: string, draws: readonly Draw[]): Standing[] {
    const now = this.now();
    const buckets = this.bucketsOf(client);
    const standings = draws.map((draw): Standing => {
      const { unit, costUs, sizeUs } = draw;
      const filledUs = Math.max(0, (buckets.get(unit) ?? 0) - now);
      // What is larger than the bucket needs all of it, and is then owed.
      const waitUs = costUs > 0 ? Math.max(0, filledUs + Math.min(costUs, sizeUs) - sizeUs) : 0;
      return { draw, waitUs, filledUs };
    });
    if (standings.some(({ waitUs }) => waitUs > 0)) return standings;
    return standings.map(({ draw, waitUs, filledUs: before }) => {
      const filledUs = Math.max(0, before + draw.costUs);
      buckets.set(draw.unit, now + filledUs);
      return { draw, waitUs, filledUs };
    });
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
