import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { Exemplars } from './exemplars';
import { openMetricsPage, readsOpenMetrics } from './open-metrics.page';

const position = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };

async function page(registry: Registry, exemplars = new Exemplars('none', [])): Promise<string> {
  return openMetricsPage(await registry.getMetricsAsJSON(), exemplars);
}

it('names families as OpenMetrics has them, and series as Prometheus has them', async () => {
  const registry = new Registry();
  const registers = [registry];
  new Counter({ name: 'calls_total', help: 'Calls, "all" of them.\n', labelNames: ['of'], registers }).inc({
    of: 'a"b\\c\n',
  });
  const gauge = new Gauge({ name: 'heat', help: 'Heat.', registers });
  gauge.set(Infinity);
  new Gauge({ name: 'empty', help: 'Nothing yet.', labelNames: ['of'], registers });
  expect(await page(registry)).toBe(
    [
      '# HELP calls Calls, \\"all\\" of them.\\n',
      '# TYPE calls counter',
      'calls_total{of="a\\"b\\\\c\\n"} 1',
      '# HELP heat Heat.',
      '# TYPE heat gauge',
      'heat +Inf',
      '# HELP empty Nothing yet.',
      '# TYPE empty gauge',
      '# EOF',
      '',
    ].join('\n'),
  );
});

it('has the latest exemplar of each bucket, at its own series and no other', async () => {
  const registry = new Registry();
  const bounds = [0.5, 1];
  const histogram = new Histogram({
    name: 'time_seconds',
    help: 'Time.',
    labelNames: ['method', 'route'],
    buckets: bounds,
    registers: [registry],
  });
  const exemplars = new Exemplars('time_seconds', bounds);
  const labels = { method: 'GET', route: '/a' };
  for (const value of [0.1, 0.5, 7]) {
    histogram.observe(labels, value);
    exemplars.cacheable(labels, value, position);
  }
  histogram.observe({ method: 'GET', route: '/b' }, 0.1);
  const lines = (await page(registry, exemplars)).split('\n').filter((line) => line.startsWith('time_seconds'));
  const shown = lines.map((line) => line.replace(/ \d+\.\d{3}$/, ' then'));
  const trace = `# {trace_id="${position.traceId}",span_id="${position.spanId}"}`;
  expect(shown).toEqual([
    `time_seconds_bucket{le="0.5",method="GET",route="/a"} 2 ${trace} 0.5 then`,
    'time_seconds_bucket{le="1",method="GET",route="/a"} 2',
    `time_seconds_bucket{le="+Inf",method="GET",route="/a"} 3 ${trace} 7 then`,
    'time_seconds_sum{method="GET",route="/a"} 7.6',
    'time_seconds_count{method="GET",route="/a"} 3',
    'time_seconds_bucket{le="0.5",method="GET",route="/b"} 1',
    'time_seconds_bucket{le="1",method="GET",route="/b"} 1',
    'time_seconds_bucket{le="+Inf",method="GET",route="/b"} 1',
    'time_seconds_sum{method="GET",route="/b"} 0.1',
    'time_seconds_count{method="GET",route="/b"} 1',
  ]);
});

it.each([
  ['application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain', true],
  ['text/plain;version=0.0.4', false],
  [undefined, false],
])('is for who accepts it: %s', (accept, expected) => {
  expect(readsOpenMetrics(accept)).toBe(expected);
});
