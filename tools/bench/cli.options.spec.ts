import { describe, expect, it } from 'vitest';
import { readOptions } from './cli.options';
import { workloadNames, quickNames } from './workloads';

describe('readOptions', () => {
  it('compares all workloads by default', () => {
    expect(readOptions([])).toMatchObject({ run: 'comparison', names: workloadNames, fairness: true });
    expect(readOptions(['--quick'])).toMatchObject({ run: 'comparison', names: quickNames, fairness: false });
    expect(readOptions(['--only', 'plain'])).toMatchObject({ names: ['plain'], fairness: false });
  });

  it('measures growth to millions or to the given sizes, in ascending order', () => {
    expect(readOptions(['--growth'])).toMatchObject({
      run: 'growth',
      sizes: [10_000, 1_000_000, 10_000_000],
      teams: [1, 10_000],
      ledger: undefined,
    });
    expect(readOptions(['--growth=2m,500', '--teams', '3', '--ledger', '7k'])).toMatchObject({
      ...{ sizes: [500, 2_000_000], teams: [3], ledger: 7_000 },
    });
  });

  it('measures memory', () => {
    expect(readOptions(['--memory', '--batches', '300'])).toMatchObject({ run: 'memory', batches: 300 });
  });

  it('compares a cluster with a single server', () => {
    expect(readOptions(['--cluster', '--rounds', '2'])).toEqual({
      ...{ run: 'cluster', seconds: 5, rounds: 2, json: 'dist/bench-cluster.json' },
    });
  });

  it.each(['--growth=many', '--growth=', '--seconds=0', '--only=nothing', '--nonsense', '--memory --batches=1.5'])(
    'rejects %s',
    (line) => {
      expect(() => readOptions(line.split(' '))).toThrow(/--/);
    },
  );
});
