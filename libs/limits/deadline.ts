/**
 * The phases of a request, in order. A phase ends when the time reserved for the later ones begins:
 *
 * - `execute`: items start, and wait for locks
 * - `commit`: the last transaction is flushed, and its result returns from Postgres
 * - `render`: the response is built and cached, without calls to Postgres
 * - `send`: the response leaves. If there is none, an error response is sent at the start of this phase
 */
const PHASES = ['execute', 'commit', 'render', 'send'] as const;
export type Phase = (typeof PHASES)[number];

/** Time reserved for a phase: a share of the budget, within bounds in milliseconds. */
interface Reserve {
  readonly share: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * The reserves. A budget of 1 s leaves 825 ms to execute; one of 10 s leaves 9.65 s.
 *
 * - `commit`: a flush takes a few milliseconds, and up to 200 ms on a busy disk. Below 20 ms no item starts: an item that
 *   was certainly not attempted is better than one with an unknown outcome.
 * - `render`: building a response takes 1 to 2 ms. A call to a Redis that does not respond takes `REDIS_TIMEOUT_MS`.
 * - `send`: a timer is late by as much as the event loop is, which is up to 50 ms without a counted stall.
 */
const RESERVES: Readonly<Record<Exclude<Phase, 'execute'>, Reserve>> = {
  commit: { share: 0.05, minMs: 20, maxMs: 200 },
  render: { share: 0.025, minMs: 0, maxMs: 50 },
  send: { share: 0.1, minMs: 0, maxMs: 100 },
};

/** The time budget of one request: by when its response must have left, and by when each phase must have ended. */
export class Deadline {
  /** @param endsAt when the response must have left, on the clock of `performance.now()` */
  private constructor(
    readonly budgetMs: number,
    private readonly endsAt: number,
  ) {}

  /** A deadline this many milliseconds from now. */
  static in(budgetMs: number): Deadline {
    return new Deadline(budgetMs, performance.now() + budgetMs);
  }

  /** Milliseconds until a phase must have ended; 0 if that time has passed. Without a phase: until the deadline itself. */
  msLeft(phase: Phase = 'send'): number {
    return Math.max(0, this.endsAt - this.reservedAfter(phase) - performance.now());
  }

  /** Milliseconds at the end of the budget that are reserved for the phases after this one. */
  private reservedAfter(phase: Phase): number {
    let reservedMs = 0;
    for (let i = PHASES.length - 1; PHASES[i] !== phase; i -= 1) {
      const later = PHASES[i];
      if (later === undefined || later === 'execute') break;
      const { share, minMs, maxMs } = RESERVES[later];
      reservedMs += Math.min(maxMs, Math.max(minMs, this.budgetMs * share));
    }
    return reservedMs;
  }
}
