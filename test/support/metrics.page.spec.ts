import { expect, it } from 'vitest';
import { samplesOf } from './metrics.page';

it('reads names, labels and values of a metrics page', () => {
  const page = '# HELP a Some help.\n# TYPE a gauge\na{b="c d",e="f"} 1\na 2.5e3\n# TYPE n counter\nn Nan\n';
  expect(samplesOf(page)).toEqual([
    { name: 'a', labels: { b: 'c d', e: 'f' }, value: 1 },
    { name: 'a', labels: {}, value: 2_500 },
    { name: 'n', labels: {}, value: NaN },
  ]);
});
