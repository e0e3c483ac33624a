import type { Latency } from './load';

/** The percentile of sorted values (nearest rank). */
export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error('a percentile needs values');
  return value;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (percentile(sorted, 0.5) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}

/** Median and range over several turns. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

/** The ratio of two workloads turn by turn, because adjacent turns have similar conditions. */
export function ratioOf(values: readonly number[], others: readonly number[]): Spread {
  return spreadOf(values.slice(0, others.length).map((value, turn) => value / (others[turn] ?? NaN)));
}

/** The difference of two workloads turn by turn. */
export function differenceOf(values: readonly number[], others: readonly number[]): Spread {
  return spreadOf(values.slice(0, others.length).map((value, turn) => value - (others[turn] ?? NaN)));
}

export function latencyOf(samplesMs: readonly number[]): Latency {
  const sorted = samplesMs.toSorted((a, b) => a - b);
  return {
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: percentile(sorted, 1),
  };
}
