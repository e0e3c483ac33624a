/** Milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** What a load generator counted in one go. */
export interface Load {
  /** Requests or transactions that were answered as they should be; one that was not fails the run. */
  batches: number;
  seconds: number;
  /** Of one batch. */
  latencyMs: Latency;
}

let seed = Math.trunc(performance.timeOrigin) % 1_000_000;

/** Another one each time: no go repeats what the one before it asked for. */
export function nextSeed(): number {
  seed += 1;
  return seed;
}
