import { expect, it } from 'vitest';
import { samplesOf } from './metrics.page';

it('reads names, labels, values and types of a metrics page', () => {
  const page = '# HELP a Some help.\n# TYPE a gauge\na{b="c d"} 1\na 2.5e3\n# TYPE n counter\nn Nan\n';
  expect(samplesOf(page)).toEqual([
    { name: 'a', labels: '{b="c d"}', value: 1, type: 'gauge' },
    { name: 'a', labels: '', value: 2_500, type: 'gauge' },
    { name: 'n', labels: '', value: NaN, type: 'counter' },
  ]);
});
