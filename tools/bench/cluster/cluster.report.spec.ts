import { describe, expect, it } from 'vitest';
import type { Workload } from '../workloads';
import { clusterRows, clusterTargets, type ClusterTurn, redisCpuSeconds } from './cluster.report';

function turn(itemsPerSecond: number, postgresMicros: number, serviceMicros: number): ClusterTurn {
  return {
    ...{ batches: 1, seconds: 1, itemsPerSecond, batchesPerSecond: 1, peakBytes: null },
    ...{ serviceMicros, postgresMicros, walBytesPerItem: 500, ledgerBytesPerItem: null },
    ...{ workerMicros: postgresMicros, redisMicrosPerBatch: 100 },
    latencyMs: { p50: 1, p95: 1, p99: 1, max: 1 },
    cores: { services: {}, postgres: 0, load: 0, machine: 0 },
  };
}

function workload(work: string, server: string): Workload & { work: string; server: string } {
  return {
    ...{ name: `${work}: ${server}`, what: work, work, server },
    ...{ callers: 1, itemsPerBatch: 100, changesPerBatch: 100, services: [] },
    drive: () => Promise.reject(new Error('not measured here')),
  };
}

const rows = clusterRows([
  { workload: workload('plain', 'single server'), turns: [turn(1_000, 50, 20), turn(2_000, 60, 20)] },
  { workload: workload('plain', 'cluster'), turns: [turn(800, 60, 21), turn(1_600, 72, 21)] },
  { workload: workload('keyed', 'single server'), turns: [turn(1_000, 50, 20)] },
  { workload: workload('keyed', 'cluster'), turns: [turn(600, 100, 31)] },
]);

describe('clusterRows', () => {
  it('compares each cluster turn by turn with the single server under the same work', () => {
    expect(rows.map(({ ratios }) => ratios && [ratios.itemsPerSecond.median, ratios.postgres.median])).toEqual([
      null,
      [0.8, 1.2],
      null,
      [0.6, 2],
    ]);
  });
});

describe('clusterTargets', () => {
  it('are those of every row of the cluster', () => {
    expect(clusterTargets(rows).map(({ met }) => met)).toEqual([true, true, true, false, false, false]);
  });
});

describe('redisCpuSeconds', () => {
  it('adds the time in the kernel and outside of it', () => {
    const info =
      '# CPU\r\nused_cpu_sys:1.5\r\nused_cpu_user:2.25\r\nused_cpu_sys_children:7.0\r\nused_cpu_user_children:7.0\r\n';
    expect(redisCpuSeconds(info)).toBe(3.75);
    expect(() => redisCpuSeconds('')).toThrow(/another format/);
  });
});
