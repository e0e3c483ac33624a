import { beforeEach, describe, expect, it } from 'vitest';
import { Instruments } from './instruments';
import { ProcessMetrics } from './process.metrics';

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0';
const trace: Record<string, string> = { trace_id: '4bf92f3577b34da6a3ce929d0e0e4736', span_id: '00f067aa0ba902b7' };

let instruments: Instruments;

beforeEach(() => {
  instruments = new Instruments();
});

describe('Instruments', () => {
  it('shares nothing with the registry of another app in the process', async () => {
    const other = new Instruments();
    instruments.counter('calls_total', 'Calls.', {}).inc();
    other.counter('calls_total', 'Calls.', {});
    expect((await instruments.samples('calls_total')).get('')).toBe(1);
    expect((await other.samples('calls_total')).get('')).toBe(0);
  });

  it('updates a gauge at each scrape', async () => {
    let value = 1;
    instruments.gauge('heat', 'Heat.', {}, (gauge) => {
      gauge.set(value);
    });
    expect((await instruments.samples('heat')).get('')).toBe(1);
    value = 2;
    expect((await instruments.samples('heat')).get('')).toBe(2);
  });
});

describe('Instruments.page in the OpenMetrics format', () => {
  const page = async (accept = OPEN_METRICS): Promise<string> => (await instruments.page(accept)).body;

  beforeEach(() => {
    instruments.histogram('with_exemplars_seconds', 'Makes the format available.', {}, [1], { exemplars: true });
  });

  it('names families as OpenMetrics requires and series as the Prometheus format does', async () => {
    instruments.counter('calls_total', 'Calls, all of them.\n', { of: 'text' }).inc({ of: 'a"b\\c\n' });
    instruments.gauge('heat', 'Heat.', {}).set(Infinity);
    instruments.gauge('empty', 'Nothing yet.', { of: 'text' });
    expect(await page()).toContain(
      [
        '# HELP calls Calls, all of them.\\n',
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

  it('does not change the names in the Prometheus format', async () => {
    instruments.counter('calls_total', 'Calls.', {}).inc();
    const before = await page('text/plain');
    await page();
    expect(await page('text/plain')).toBe(before);
    expect(before).toContain('# TYPE calls_total counter\ncalls_total 1\n');
  });

  it('has the latest exemplar of each bucket in its own series only', async () => {
    const labels = { method: 'text', route: 'text' };
    const histogram = instruments.histogram('time_seconds', 'Time.', labels, [0.5, 1], { exemplars: true });
    for (const value of [0.1, 0.5, 7]) {
      histogram.observe({ labels: { method: 'GET', route: '/a' }, value, exemplarLabels: trace });
    }
    histogram.observe({ labels: { method: 'GET', route: '/b' }, value: 0.1, exemplarLabels: {} });
    const lines = (await page()).split('\n').filter((line) => line.startsWith('time_seconds'));
    const exemplar = `# {trace_id="${trace.trace_id ?? ''}",span_id="${trace.span_id ?? ''}"}`;
    expect(lines.map((line) => line.replace(/ \d{10}(\.\d+)?$/, ' <time>'))).toEqual([
      `time_seconds_bucket{le="0.5",method="GET",route="/a"} 2 ${exemplar} 0.5 <time>`,
      'time_seconds_bucket{le="1",method="GET",route="/a"} 2',
      `time_seconds_bucket{le="+Inf",method="GET",route="/a"} 3 ${exemplar} 7 <time>`,
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
  ])('is served if the client accepts it: %s', async (accept, expected) => {
    const { contentType } = await instruments.page(accept);
    expect(contentType.startsWith('application/openmetrics-text')).toBe(expected);
  });
});

describe('ProcessMetrics', () => {
  it('checks at each scrape whether the process is ready', async () => {
    const metrics = new ProcessMetrics(instruments);
    const ready = async () => (await instruments.samples('prism_ready')).get('');
    expect(await ready()).toBe(0);
    let value = true;
    metrics.observeReadiness(() => Promise.resolve(value));
    expect(await ready()).toBe(1);
    value = false;
    expect(await ready()).toBe(0);
  });

  it('checks readiness after the other gauges of the scrape are read', async () => {
    const calls: string[] = [];
    new ProcessMetrics(instruments).observeReadiness(() => {
      calls.push('readiness');
      return Promise.resolve(true);
    });
    instruments.gauge('pool', 'Registered later.', {}, () => {
      calls.push('pool');
    });
    await instruments.registry.metrics();
    expect(calls).toEqual(['pool', 'readiness']);
  });

  it('identifies the build and the version of Node.js', async () => {
    new ProcessMetrics(instruments);
    const info = await instruments.samples('prism_build_info');
    expect([...info]).toEqual([[expect.stringMatching(/^\{version="\d+\.\d+\.\d+",node="v\d+\./), 1]]);
  });

  it('includes the delay of the event loop', async () => {
    new ProcessMetrics(instruments);
    expect(await instruments.registry.metrics()).toContain('nodejs_eventloop_lag_p99_seconds');
  });
});
