import type { CpuStage } from './limits.metrics';

/** The time constant of the usage average, in milliseconds. */
const WINDOW_MS = 1_000;
/** CPU time of a request outside of measured sections (reading, routing, sending the response), in milliseconds. */
const REQUEST_MS = 0.3;
/** A client that used less CPU time than this in the last second, in milliseconds, is not the cause of an overload. */
const MIN_USAGE_MS = 100;
/** A section that blocks the event loop for this long is a stall. In milliseconds. */
export const STALL_MS = 50;
/** A section that takes at least this long, in milliseconds, is followed by a pause. */
const EXPENSIVE_SECTION_MS = 3;
/** The length of a pause as a multiple of the section before it: the sections of a client take an eighth of the time. */
const PAUSE_FACTOR = 7;
/** The maximum pause of a client, however many expensive requests it has in progress. In milliseconds. */
const MAX_PAUSE_MS = 5_000;
/** The factor by which the expected time decreases with each cheaper request. */
const EXPECTED_DECAY = 0.8;
/** Far more than are active within a second. Beyond it, the least recently active client is evicted. */
const MAX_CLIENTS = 10_000;

interface Usage {
  /** Milliseconds of CPU, decayed as of `asOf`. */
  ms: number;
  asOf: number;
  /** While others are active, the client's next expensive section waits until this time. */
  pauseUntil: number;
  /** Recent CPU time of the client's expensive requests, in milliseconds. */
  expectedMs: number;
}

/** Called for a section that blocked the event loop for at least {@link STALL_MS}. */
type StallListener = (clientId: string, stage: CpuStage, ms: number) => void;

/**
 * Attributes the CPU time of requests to their clients. During overload, requests of a client that uses more than its fair share
 * are rejected, and its expensive sections are delayed.
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
      this.addSection(clientId, stage, this.now() - startedAt);
    }
  }

  /** Attributes an estimated CPU time as if it had been measured. */
  charge(clientId: string, ms: number): void {
    const usage = this.usageOf(clientId);
    usage.ms += ms;
    if (ms >= EXPENSIVE_SECTION_MS) this.addPause(clientId, usage, ms);
  }

  /** Attributes the time of one of many short sections. Unlike {@link charge}, always delays the client's next section. */
  chargeSection(clientId: string, ms: number): void {
    const usage = this.usageOf(clientId);
    usage.ms += ms;
    this.addPause(clientId, usage, ms);
  }

  /**
   * Charges a request in advance with the recent time of the client's expensive requests, so that the client cannot have many
   * of them in progress at once.
   *
   * @returns the charged time in milliseconds, for {@link settle} when the request has ended
   */
  chargeExpected(clientId: string): number {
    const usage = this.usageOf(clientId);
    const { expectedMs } = usage;
    if (expectedMs < EXPENSIVE_SECTION_MS) return 0;
    usage.ms += expectedMs;
    this.addPause(clientId, usage, expectedMs);
    return expectedMs;
  }

  /** Attributes the real time of a request, of which `chargedMs` was charged in advance. */
  settle(clientId: string, chargedMs: number, ms: number): void {
    this.charge(clientId, Math.max(0, ms - chargedMs));
    const usage = this.usageOf(clientId);
    usage.expectedMs = Math.max(ms, usage.expectedMs * EXPECTED_DECAY);
  }

  /** Attributes the fixed time of a request. */
  countRequest(clientId: string): void {
    this.usageOf(clientId).ms += REQUEST_MS;
  }

  /**
   * Whether a client uses much CPU, and at least its fair share among the active clients. If no client does, something else
   * delays the event loop, and rejecting requests would not help.
   */
  exceedsFairShare(clientId: string): boolean {
    const now = this.now();
    const own = decayed(this.clients.get(clientId), now);
    if (own < MIN_USAGE_MS) return false;
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
  pauseMs(clientId: string): number {
    const now = this.now();
    const pause = (this.clients.get(clientId)?.pauseUntil ?? 0) - now;
    return pause > 0 && this.hasOther(clientId, now) ? pause : 0;
  }

  private addPause(clientId: string, usage: Usage, ms: number): void {
    const { asOf, pauseUntil } = usage;
    // A client that was alone does not make up for earlier pauses.
    const from = this.hasOther(clientId, asOf) ? Math.max(asOf, pauseUntil) : asOf;
    usage.pauseUntil = Math.min(from + PAUSE_FACTOR * ms, asOf + MAX_PAUSE_MS);
  }

  private addSection(clientId: string, stage: CpuStage, ms: number): void {
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
    const { pauseUntil = 0, expectedMs = 0 } = known ?? {};
    const usage: Usage = { ms: decayed(known, now), asOf: now, pauseUntil, expectedMs };
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
