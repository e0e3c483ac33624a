import type { CpuStage } from './limits.metrics';

/** Over about this time usage is remembered, in milliseconds. */
const WINDOW_MS = 1_000;
/** What a request costs beside the sections that are measured: reading it, routing, sending the response. In milliseconds. */
const REQUEST_MS = 0.3;
/** A client that used less of the last second than this cannot be what delays the event loop. */
const MIN_CULPRIT_MS = 100;
/** A section that blocks the event loop for longer is a stall. */
export const STALL_MS = 50;
/** A section that takes longer is followed by a rest, so that one client's sections take an eighth of the time beside others. */
const RESTED_SECTION_MS = 3;
const REST_FACTOR = 7;
/** By how much the expectation falls with each request that is cheaper. */
const EXPECTED_DECAY = 0.8;
/** More clients than are active within a second in any installation; beyond it the least recently active one is forgotten. */
const MAX_CLIENTS = 10_000;

interface Usage {
  /** Milliseconds of CPU, decayed as of `asOf`. */
  ms: number;
  asOf: number;
  /** Until when the client's next expensive section has to wait while others are active. */
  restUntil: number;
  /** What an expensive request of the client took lately, in milliseconds. */
  expectedMs: number;
}

/** Called for a section that blocked the event loop for at least {@link STALL_MS}. */
type StallListener = (clientId: string, stage: CpuStage, ms: number) => void;

/**
 * Attributes the time for which requests block the event loop to the clients that send them, so that overload is limited at
 * its cause: the client that uses more than its fair share is rejected, and its expensive sections are spaced.
 */
export class CpuUsage {
  /** The least recently active client comes first. */
  private readonly clients = new Map<string, Usage>();

  /** @param now a monotonic clock in milliseconds */
  constructor(
    private readonly onStall: StallListener,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Runs a synchronous section and attributes its time. */
  measure<T>(clientId: string, stage: CpuStage, section: () => T): T {
    const startedAt = this.now();
    try {
      return section();
    } finally {
      this.add(clientId, stage, this.now() - startedAt);
    }
  }

  /** Attributes time that could not be measured, as that of a section. */
  charge(clientId: string, ms: number): void {
    const usage = this.usageOf(clientId);
    usage.ms += ms;
    if (ms >= RESTED_SECTION_MS) this.addRest(clientId, usage, ms);
  }

  /**
   * Charges a request in advance with what the client's expensive requests took lately, so that it cannot have many of them
   * in progress at once.
   *
   * @returns what was charged, in milliseconds; to be settled when the request has ended
   */
  chargeExpected(clientId: string): number {
    const usage = this.usageOf(clientId);
    const { expectedMs } = usage;
    if (expectedMs < RESTED_SECTION_MS) return 0;
    usage.ms += expectedMs;
    this.addRest(clientId, usage, expectedMs);
    return expectedMs;
  }

  /** Attributes what a request really took, of which `chargedMs` was charged in advance. */
  settle(clientId: string, chargedMs: number, ms: number): void {
    this.charge(clientId, Math.max(0, ms - chargedMs));
    const usage = this.usageOf(clientId);
    usage.expectedMs = Math.max(ms, usage.expectedMs * EXPECTED_DECAY);
  }

  /** Attributes a request as such. */
  countRequest(clientId: string): void {
    this.usageOf(clientId).ms += REQUEST_MS;
  }

  /**
   * Whether a client uses at least its fair share, among those active, of a CPU that is in use. Without a client that uses
   * much of it, none is: then something else delays the event loop, and rejecting requests would not help.
   */
  isCulprit(clientId: string): boolean {
    const now = this.now();
    const own = decayed(this.clients.get(clientId), now);
    if (own < MIN_CULPRIT_MS) return false;
    let total = 0;
    let active = 0;
    for (const usage of this.clients.values()) {
      if (now - usage.asOf >= WINDOW_MS) continue;
      total += decayed(usage, now);
      active += 1;
    }
    return own * active >= total;
  }

  /** How long the next expensive section or request of a client has to wait, in milliseconds; 0 if no other client is active. */
  restMs(clientId: string): number {
    const now = this.now();
    const rest = (this.clients.get(clientId)?.restUntil ?? 0) - now;
    return rest > 0 && this.hasOther(clientId, now) ? rest : 0;
  }

  private addRest(clientId: string, usage: Usage, ms: number): void {
    const { asOf, restUntil } = usage;
    // A client that was alone has no rest to make up for.
    const from = this.hasOther(clientId, asOf) ? Math.max(asOf, restUntil) : asOf;
    usage.restUntil = from + REST_FACTOR * ms;
  }

  private add(clientId: string, stage: CpuStage, ms: number): void {
    this.charge(clientId, ms);
    if (ms >= STALL_MS) this.onStall(clientId, stage, ms);
  }

  private hasOther(clientId: string, now: number): boolean {
    for (const [id, usage] of this.clients) if (id !== clientId && now - usage.asOf < WINDOW_MS) return true;
    return false;
  }

  private usageOf(clientId: string): Usage {
    const now = this.now();
    const known = this.clients.get(clientId);
    const { restUntil = 0, expectedMs = 0 } = known ?? {};
    const usage: Usage = { ms: decayed(known, now), asOf: now, restUntil, expectedMs };
    this.clients.delete(clientId);
    this.clients.set(clientId, usage);
    if (this.clients.size > MAX_CLIENTS) {
      const [oldest = clientId] = this.clients.keys();
      this.clients.delete(oldest);
    }
    return usage;
  }
}

function decayed(usage: Usage | undefined, now: number): number {
  return usage === undefined ? 0 : usage.ms * Math.exp((usage.asOf - now) / WINDOW_MS);
}
