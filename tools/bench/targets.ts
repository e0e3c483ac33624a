import type { Fairness } from './fairness';
import { differenceOf, median, ratioOf, type Spread, spreadOf } from './statistics';
import type { WorkloadTurns } from './rounds';
import type { Turn } from './turn';

/** A target and its result. */
export interface Target {
  what: string;
  /** Whether `wanted` is a lower or an upper bound. */
  bound: 'least' | 'most';
  wanted: number;
  /** Empty for a count. */
  unit: 'x' | 'us' | 's' | 'B' | 'MiB' | '';
  reached: Spread;
  met: boolean;
}

/** The targets of the workloads that ran. The median decides. */
export function targetsOf(measured: readonly WorkloadTurns[], fairness: readonly Fairness[]): Target[] {
  const turnsOf = (name: string): Turn[] => measured.find(({ workload }) => workload.name === name)?.turns ?? [];
  const rates = (name: string): number[] => turnsOf(name).map(({ itemsPerSecond }) => itemsPerSecond ?? 0);
  const requestRates = (name: string): number[] => turnsOf(name).map(({ batchesPerSecond }) => batchesPerSecond);
  const p50s = (name: string): number[] => turnsOf(name).map(({ latencyMs }) => latencyMs.p50);
  const micros = (name: string): number[] => turnsOf(name).map(({ serviceMicros }) => serviceMicros ?? 0);
  const walBytes = (name: string): number[] => turnsOf(name).map(({ walBytesPerItem }) => walBytesPerItem ?? NaN);
  const storedBytes = (name: string): number[] =>
    turnsOf(name).map(({ ledgerBytesPerItem }) => ledgerBytesPerItem ?? NaN);
  const tails = turnsOf('plain').map(({ latencyMs }) => latencyMs.p99 / latencyMs.p50);
  const poolAndEmpty = p50s('single-empty').map((empty, turn) => empty + (p50s('single-pool')[turn] ?? NaN));

  const targets: Target[] = [];
  const expect = (
    what: string,
    bound: Target['bound'],
    wanted: number,
    unit: Target['unit'],
    reached: Spread,
  ): void => {
    if (!Number.isFinite(reached.median)) return;
    const met = bound === 'least' ? reached.median >= wanted : reached.median <= wanted;
    targets.push({ what, bound, wanted, unit, reached, met });
  };
  const none: Spread = { median: NaN, least: NaN, most: NaN };
  const ratio = (values: number[], others: number[]): Spread =>
    values.length > 0 && others.length > 0 ? ratioOf(values, others) : none;
  const difference = (values: number[], others: number[]): Spread =>
    values.length > 0 && others.length > 0 ? differenceOf(values, others) : none;
  const spread = (values: number[]): Spread => (values.length > 0 ? spreadOf(values) : none);

  expect('plain to pgbench', 'least', 2.8, 'x', ratio(rates('plain'), rates('pgbench')));
  expect('keyed to pgbench', 'least', 2.3, 'x', ratio(rates('keyed'), rates('pgbench')));
  expect('keyed to plain', 'least', 0.8, 'x', ratio(rates('keyed'), rates('plain')));
  expect(
    'WAL of the ledger an item (keyed - plain)',
    'most',
    150,
    'B',
    difference(walBytes('keyed'), walBytes('plain')),
  );
  expect('stored in the ledger an item, keyed', 'most', 100, 'B', spread(storedBytes('keyed')));
  expect('match to plain', 'least', 0.85, 'x', ratio(rates('match'), rates('plain')));
  expect('one upsert to one PATCH', 'least', 0.7, 'x', ratio(rates('upsert'), rates('patch')));
  expect('one PATCH, keyed to plain', 'least', 0.7, 'x', ratio(rates('patch-keyed'), rates('patch')));
  expect('rows of an import to items with a key', 'least', 0.2, 'x', ratio(rates('import'), rates('keyed')));
  expect('import of 10,000 rows (p50)', 'most', 3, 's', spread(p50s('import').map((ms) => ms / 1_000)));
  expect('batches of 1, keyed to plain', 'least', 0.7, 'x', ratio(rates('items-1-keyed'), rates('items-1')));
  expect(
    'plain to the better textbook',
    'least',
    10,
    'x',
    ratio(rates('plain'), better(rates('textbook-loop'), rates('textbook-all'))),
  );
  expect('plain to the bare HTTP baseline', 'least', 0.5, 'x', ratio(rates('plain'), rates('bare-http')));
  expect('CPU of the gateway an item, plain', 'most', 20, 'us', spread(micros('plain')));
  expect('CPU of the gateway an item, keyed', 'most', 30, 'us', spread(micros('keyed')));
  expect('single item to pooled UPDATE + empty request (p50)', 'most', 1.3, 'x', ratio(p50s('single'), poolAndEmpty));
  expect('p99 to p50 of a batch, plain', 'most', 3, 'x', spread(tails));
  for (const name of ['list', 'query', 'find']) {
    for (const [baseline, what] of [
      ['sql', 'bare HTTP'],
      ['postgrest', 'PostgREST-like'],
    ] as const) {
      const rates = requestRates(`${name}-${baseline}`);
      expect(`${name} to the ${what} baseline`, 'least', 0.5, 'x', ratio(requestRates(name), rates));
    }
  }
  for (const { neighbor, ratio: raised } of fairness) {
    expect(`p99 of a single item beside ${neighbor} to alone`, 'most', 3, 'x', raised);
  }
  return targets;
}

/** The figures of the faster workload; empty if one did not run. */
export function better(one: readonly number[], other: readonly number[]): number[] {
  if (one.length === 0 || other.length === 0) return [];
  return [...(median(one) > median(other) ? one : other)];
}
