import { describe, expect, it } from 'vitest';
import type { Turn } from '../turn';
import { type GrowthCase, growthRow, type GrowthRow, growthTargets } from './growth.report';

const small: GrowthCase = { records: 10_000, teams: 1, ledgerItems: 0, afterCheckpoint: false };

function turn(serviceMicros: number, postgresMicros: number, walBytesPerItem: number): Turn {
  return {
    ...{ batches: 1, seconds: 1, itemsPerSecond: 100, batchesPerSecond: 1, peakBytes: null },
    ...{ serviceMicros, postgresMicros, walBytesPerItem, ledgerBytesPerItem: null },
    latencyMs: { p50: 1, p95: 1, p99: 1, max: 1 },
    cores: { services: {}, postgres: 0, load: 0, machine: 0 },
  };
}

const smallest = [turn(20, 40, 500), turn(20, 40, 500)];

function row(growthCase: Partial<GrowthCase>, ...turns: Turn[]): GrowthRow {
  return growthRow({ ...small, ...growthCase }, 'plain', turns, smallest);
}

function bareRow(growthCase: Partial<GrowthCase>, ...turns: Turn[]): GrowthRow {
  return growthRow({ ...small, ...growthCase }, 'pgbench', turns, smallest);
}

describe('growthTargets', () => {
  const rows = [
    row({}, ...smallest),
    bareRow({}, ...smallest),
    row({ records: 1_000_000 }, turn(21, 50, 500), turn(21, 50, 500)),
    bareRow({ records: 1_000_000 }, turn(0, 50, 500), turn(0, 50, 500)),
  ];

  it('are met at 1.25 times the cost of the smallest case, in Postgres at the growth of the bare UPDATE', () => {
    expect(growthTargets(rows).map(({ met, reached }) => [met, reached.median])).toEqual([
      [true, 1.05],
      [true, 1],
      [true, 1],
    ]);
  });

  it('are missed if one case exceeds it, and name that case', () => {
    const more = [...rows, row({ teams: 10_000 }, turn(26, 40, 500), turn(26, 40, 500)), row({}, ...smallest)];
    const [gateway] = growthTargets(more);
    expect(gateway).toMatchObject({ met: false, what: expect.stringContaining('teams: 10,000') });
  });

  it('are missed if an item grows more than the bare UPDATE with as many records, even with many teams', () => {
    const larger = { records: 1_000_000, teams: 10_000 };
    const [, , postgres] = growthTargets([...rows, row(larger, turn(20, 51, 500), turn(20, 51, 500))]);
    expect(postgres).toMatchObject({ met: false, what: expect.stringContaining('teams: 10,000') });
  });

  it('do not compare with the bare UPDATE if it did not run', () => {
    expect(growthTargets(rows.filter(({ work }) => work === 'plain'))).toHaveLength(2);
  });

  it('ignore the case right after a checkpoint', () => {
    const more = [...rows, row({ afterCheckpoint: true }, turn(90, 90, 9_000), turn(90, 90, 9_000))];
    expect(growthTargets(more).every(({ met }) => met)).toBe(true);
  });
});
