import { expect, it } from 'vitest';
import { familyOf, selectorsIn } from './promql';

it.each([
  ['up', ['up']],
  ['sum by (job) (rate(a_total{route=~"/v2/.+"}[5m] offset 1d)) > 0.1', ['a_total{route=~"/v2/.+"}']],
  ['a:b:rate5m{slo="x"} > 14.4 and on (slo) c or vector(0)', ['a:b:rate5m{slo="x"}', 'c']],
  ['histogram_quantile(0.99, sum by (le, route) (rate(s_bucket[$__rate_interval])))', ['s_bucket']],
  ['300 * sum_over_time(x[1h:5m]) unless absent(y)', ['x', 'y']],
])('finds what %s reads', (expression, selectors) => {
  expect(selectorsIn(expression).map(({ text }) => text)).toEqual(selectors);
});

it('knows the parts of a histogram', () => {
  expect(['a_seconds_bucket', 'a_seconds_count', 'b_total'].map(familyOf)).toEqual([
    'a_seconds',
    'a_seconds',
    'b_total',
  ]);
});
