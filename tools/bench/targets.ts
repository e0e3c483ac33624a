import type { Fairness } from './fairness';
import { median, ratioOf, type Spread, spreadOf } from './statistics';
import type { Entrant } from './tournament';
import type { Turn } from './turn';

/** What is to be reached, and what was. */
export interface Target {
  what: string;
  /** The figure is to be at least, or at most, this. */
  bound: 'least' | 'most';
  wanted: number;
  /** Empty: a number of things. */
  unit: 'x' | 'us' | 'MiB' | '';
  reached: Spread;
  met: boolean;
}

/** Those whose rows were played. The median decides. */
export function targetsOf(entrants: readonly Entrant[], fairness: readonly Fairness[]): Target[] {
  const turnsOf = (name: string): Turn[] => entrants.find(({ contestant }) => contestant.name === name)?.turns ?? [];
  const rates = (name: string): number[] => turnsOf(name).map(({ itemsPerSecond }) => itemsPerSecond ?? 0);
  const p50s = (name: string): number[] => turnsOf(name).map(({ latencyMs }) => latencyMs.p50);
  const micros = (name: string): number[] => turnsOf(name).map(({ serviceMicros }) => serviceMicros ?? 0);
  const tails = turnsOf('plain').map(({ latencyMs }) => latencyMs.p99 / latencyMs.p50);
  const apart = p50s('single-empty').map((empty, turn) => empty + (p50s('single-pool')[turn] ?? NaN));

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
  const spread = (values: number[]): Spread => (values.length > 0 ? spreadOf(values) : none);

  expect('plain to pgbench', 'least', 2.5, 'x', ratio(rates('plain'), rates('pgbench')));
  expect('keyed to pgbench', 'least', 1.8, 'x', ratio(rates('keyed'), rates('pgbench')));
  expect(
    'plain to the better textbook',
    'least',
    10,
    'x',
    ratio(rates('plain'), better(rates('textbook-loop'), rates('textbook-all'))),
  );
  expect('plain to the ceiling over HTTP', 'least', 0.5, 'x', ratio(rates('plain'), rates('ceiling-http')));
  expect('CPU of the gateway an item, plain', 'most', 20, 'us', spread(micros('plain')));
  expect('CPU of the gateway an item, keyed', 'most', 30, 'us', spread(micros('keyed')));
  expect('single item to pooled UPDATE + empty request (p50)', 'most', 1.3, 'x', ratio(p50s('single'), apart));
  expect('p99 to p50 of a batch, plain', 'most', 3, 'x', spread(tails));
  for (const { neighbor, ratio: raised } of fairness) {
    expect(`p99 of a single item beside ${neighbor} to alone`, 'most', 3, 'x', raised);
  }
  return targets;
}

/** The turns of whichever is faster; none if only one was played. */
export function better(one: readonly number[], other: readonly number[]): number[] {
  if (one.length === 0 || other.length === 0) return [];
  return [...(median(one) > median(other) ? one : other)];
}
