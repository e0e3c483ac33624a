/** Milliseconds. */
export interface Latency {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** The result of one run of a load generator. */
export interface Load {
  /** Successful requests or transactions. A failed one fails the run. */
  batches: number;
  seconds: number;
  /** Latency of a batch. */
  latencyMs: Latency;
}

let seed = Math.trunc(performance.timeOrigin) % 1_000_000;

/** A new seed for each run, so that no run repeats the requests of another. */
export function nextSeed(): number {
  seed += 1;
  return seed;
}
