import type { WorkloadTurns } from '../rounds';
import { median, ratioOf, type Spread } from '../statistics';
import type { Target } from '../targets';
import { aligned, figure, spreadText } from '../text.table';
import type { Turn } from '../turn';
import type { Workload } from '../workloads';

export interface ClusterTurn extends Turn {
  /** CPU of the node that stores the records, in microseconds per item. */
  workerMicros: number;
  redisMicrosPerBatch: number;
}

/** A kind of work on one server: medians over turns. */
export interface ClusterRow {
  work: string;
  server: string;
  itemsPerSecond: number;
  p50Ms: number;
  /** CPU of all nodes. */
  postgresMicros: number;
  workerMicros: number;
  gatewayMicros: number;
  walBytes: number;
  redisMicrosPerBatch: number;
  /** To the single server, turn by turn; null: this is the single server. */
  ratios: { itemsPerSecond: Spread; postgres: Spread; gateway: Spread } | null;
  turns: ClusterTurn[];
}

/** @param measured of each kind of work, the single server first */
export function clusterRows(
  measured: readonly WorkloadTurns<Workload & { work: string; server: string }, ClusterTurn>[],
): ClusterRow[] {
  return measured.map(({ workload, turns }) => {
    const { work, server } = workload;
    const single = measured.find((other) => other.workload.work === work)?.turns ?? [];
    const over = (of: (turn: ClusterTurn) => number): number => median(turns.map(of));
    const ratio = (of: (turn: ClusterTurn) => number): Spread => ratioOf(turns.map(of), single.map(of));
    const rate = ({ itemsPerSecond }: ClusterTurn): number => itemsPerSecond ?? NaN;
    const postgres = ({ postgresMicros }: ClusterTurn): number => postgresMicros ?? NaN;
    const gateway = ({ serviceMicros }: ClusterTurn): number => serviceMicros ?? NaN;
    return {
      ...{ work, server, turns },
      itemsPerSecond: over(rate),
      p50Ms: over(({ latencyMs }) => latencyMs.p50),
      postgresMicros: over(postgres),
      workerMicros: over(({ workerMicros }) => workerMicros),
      gatewayMicros: over(gateway),
      walBytes: over(({ walBytesPerItem }) => walBytesPerItem ?? NaN),
      redisMicrosPerBatch: over(({ redisMicrosPerBatch }) => redisMicrosPerBatch),
      ratios:
        turns === single ? null : { itemsPerSecond: ratio(rate), postgres: ratio(postgres), gateway: ratio(gateway) },
    };
  });
}

export function clusterTable(rows: readonly ClusterRow[]): string {
  const titles = [
    ...['work', 'server', 'items/s', 'x', 'p50 ms', 'postgres us', 'x', 'worker us', 'gateway us', 'x', 'WAL B'],
    ...['redis us'],
  ];
  const cells = rows.map((row) => [
    row.work,
    row.server,
    figure(row.itemsPerSecond, 0),
    spreadText(row.ratios?.itemsPerSecond ?? null),
    figure(row.p50Ms, 1),
    figure(row.postgresMicros, 1),
    spreadText(row.ratios?.postgres ?? null),
    figure(row.workerMicros, 1),
    figure(row.gatewayMicros, 1),
    spreadText(row.ratios?.gateway ?? null),
    figure(row.walBytes, 0),
    figure(row.redisMicrosPerBatch, 0),
  ]);
  return aligned([titles, ...cells], new Set([0, 1]));
}

export function clusterTargets(rows: readonly ClusterRow[]): Target[] {
  return rows.flatMap(({ work, server, ratios }): Target[] => {
    if (ratios === null) return [];
    const where = `${work}, ${server}`;
    const { itemsPerSecond, postgres, gateway } = ratios;
    return [
      target(`items/s to the single server: ${where}`, 'least', 0.7, itemsPerSecond),
      target(`CPU of Postgres an item to the single server: ${where}`, 'most', 1.3, postgres),
      target(`CPU of the gateway an item to the single server: ${where}`, 'most', 1.5, gateway),
    ];
  });
}

/** The CPU of Redis, from its reply to `INFO cpu`. */
export function redisCpuSeconds(info: string): number {
  const seconds = [...info.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].map(([, value]) => Number(value));
  if (seconds.length !== 2) throw new Error(`INFO cpu of Redis has another format:\n${info}`);
  return seconds.reduce((sum, each) => sum + each, 0);
}

function target(what: string, bound: Target['bound'], wanted: number, reached: Spread): Target {
  const met = bound === 'least' ? reached.median >= wanted : reached.median <= wanted;
  return { what, bound, wanted, unit: 'x', reached, met };
}
