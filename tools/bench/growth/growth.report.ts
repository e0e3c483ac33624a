import { median, ratioOf, type Spread } from '../statistics';
import type { Target } from '../targets';
import { aligned, figure } from '../text.table';
import type { Turn } from '../turn';
import type { Work } from './growth.case';

/** The allowed ratio of the cost per item to the smallest case, for costs that the bare UPDATE does not have. */
const flatWithin = 1.25;

/** The size of a case. */
export interface GrowthCase {
  records: number;
  teams: number;
  ledgerItems: number;
  /** Not part of the targets: the first change of a page after a checkpoint writes the whole page to the WAL. */
  afterCheckpoint: boolean;
}

/** The cost per item in one case and kind of work. */
export interface GrowthRow extends GrowthCase {
  work: Work;
  itemsPerSecond: number;
  latencyMs: { p50: number; p99: number };
  gatewayMicros: number | null;
  postgresMicros: number;
  walBytes: number;
  /** Relative to the smallest case. */
  ratios: { gateway: Spread | null; postgres: Spread; wal: Spread; itemsPerSecond: Spread; p50: Spread };
  turns: Turn[];
}

/** @param smallest the turns of the same work in the smallest case */
export function growthRow(growthCase: GrowthCase, work: Work, turns: Turn[], smallest: readonly Turn[]): GrowthRow {
  const over = (of: (turn: Turn) => number): number => median(turns.map(of));
  const ratio = (of: (turn: Turn) => number): Spread => ratioOf(turns.map(of), smallest.map(of));
  const postgres = ({ postgresMicros }: Turn): number => postgresMicros ?? 0;
  const gateway = ({ serviceMicros }: Turn): number => serviceMicros ?? 0;
  const wal = ({ walBytesPerItem }: Turn): number => walBytesPerItem ?? 0;
  const rate = ({ itemsPerSecond }: Turn): number => itemsPerSecond ?? 0;
  const p50 = ({ latencyMs }: Turn): number => latencyMs.p50;
  const hasGateway = work !== 'pgbench';
  return {
    ...growthCase,
    work,
    itemsPerSecond: over(rate),
    latencyMs: { p50: over(p50), p99: over(({ latencyMs }) => latencyMs.p99) },
    gatewayMicros: hasGateway ? over(gateway) : null,
    postgresMicros: over(postgres),
    walBytes: over(wal),
    ratios: {
      gateway: hasGateway ? ratio(gateway) : null,
      ...{ postgres: ratio(postgres), wal: ratio(wal), itemsPerSecond: ratio(rate), p50: ratio(p50) },
    },
    turns,
  };
}

export function growthTable(rows: readonly GrowthRow[]): string {
  const titles = [
    ...['records', 'teams', 'ledger', 'work', 'items/s', 'x', 'p50 ms', 'x', 'p99 ms', 'gateway us', 'x'],
    ...['postgres us', 'x', 'WAL B', 'x', ''],
  ];
  const times = (ratio: Spread | null): string => figure(ratio?.median ?? null, 2);
  const cells = rows.map((row) => [
    figure(row.records, 0),
    figure(row.teams, 0),
    figure(row.ledgerItems, 0),
    row.work,
    figure(row.itemsPerSecond, 0),
    times(row.ratios.itemsPerSecond),
    figure(row.latencyMs.p50, 2),
    times(row.ratios.p50),
    figure(row.latencyMs.p99, 2),
    figure(row.gatewayMicros, 1),
    times(row.ratios.gateway),
    figure(row.postgresMicros, 1),
    times(row.ratios.postgres),
    figure(row.walBytes, 0),
    times(row.ratios.wal),
    row.afterCheckpoint ? 'right after a checkpoint' : '',
  ]);
  return aligned([titles, ...cells], new Set([3, titles.length - 1]));
}

/** The worst case of each kind of cost. */
export function growthTargets(rows: readonly GrowthRow[]): Target[] {
  return (['plain', 'keyed'] as const).flatMap((work) => [
    ...worst(rows, work, 'CPU of the gateway', ({ ratios }) => ratios.gateway),
    ...worst(rows, work, 'WAL', ({ ratios }) => ratios.wal),
    ...worstToBare(rows, work),
  ]);
}

/** The growth of an item's CPU in Postgres, relative to that of the bare UPDATE with as many records. */
function worstToBare(rows: readonly GrowthRow[], work: Work): Target[] {
  const [most] = rows
    .filter((row) => row.work === work && !row.afterCheckpoint)
    .flatMap((row) => {
      const bare = bareRowOf(rows, row)?.ratios.postgres.median;
      if (bare === undefined) return [];
      const { median, least, most } = row.ratios.postgres;
      return [{ row, reached: { median: median / bare, least: least / bare, most: most / bare } }];
    })
    .sort((a, b) => b.reached.median - a.reached.median);
  if (most === undefined) return [];
  const { row, reached } = most;
  return [
    {
      what: `growth of the CPU of Postgres an item, ${work}, to that of pgbench; at worst with ${sizeText(row)}`,
      ...{ bound: 'most', wanted: 1, unit: 'x', reached, met: reached.median <= 1 },
    },
  ];
}

/** The turns of pgbench in the same case or, since it supports one team only, with as many records. */
function bareRowOf(rows: readonly GrowthRow[], { records, teams, ledgerItems }: GrowthRow): GrowthRow | undefined {
  const bare = rows.filter((row) => row.work === 'pgbench' && !row.afterCheckpoint && row.records === records);
  return bare.find((row) => row.teams === teams && row.ledgerItems === ledgerItems) ?? bare[0];
}

function sizeText({ records, teams, ledgerItems }: GrowthCase): string {
  return `${figure(records, 0)} records, teams: ${figure(teams, 0)}, ledger: ${figure(ledgerItems, 0)}`;
}

function worst(
  rows: readonly GrowthRow[],
  work: Work,
  cost: string,
  ratioOfRow: (row: GrowthRow) => Spread | null,
): Target[] {
  const [most] = rows
    .filter((row) => row.work === work && !row.afterCheckpoint)
    .map((row) => ({ row, reached: ratioOfRow(row) ?? { median: NaN, least: NaN, most: NaN } }))
    .sort((a, b) => b.reached.median - a.reached.median);
  if (most === undefined) return [];
  const { row, reached } = most;
  return [
    {
      what: `${cost} an item, ${work}, to the smallest case; at worst with ${sizeText(row)}`,
      ...{ bound: 'most', wanted: flatWithin, unit: 'x', reached, met: reached.median <= flatWithin },
    },
  ];
}
