import { describe, expect, it } from 'vitest';
import { readOptions } from './cli.options';
import { contestantNames, quickNames } from './contestants';

describe('readOptions', () => {
  it('compares everything unless it is told what else to do', () => {
    expect(readOptions([])).toMatchObject({ run: 'comparison', names: contestantNames, fairness: true });
    expect(readOptions(['--quick'])).toMatchObject({ run: 'comparison', names: quickNames, fairness: false });
    expect(readOptions(['--only', 'plain'])).toMatchObject({ names: ['plain'], fairness: false });
  });

  it('grows to millions, or to what is asked for, the smallest first', () => {
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

  it('looks at memory', () => {
    expect(readOptions(['--memory', '--batches', '300'])).toMatchObject({ run: 'memory', batches: 300 });
  });

  it.each(['--growth=many', '--growth=', '--seconds=0', '--only=nothing', '--nonsense', '--memory --batches=1.5'])(
    'refuses %s',
    (line) => {
      expect(() => readOptions(line.split(' '))).toThrow(/--/);
    },
  );
});
