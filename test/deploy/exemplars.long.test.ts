// @module-tag prometheus
import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished } from 'vitest';
import { PrometheusServer } from '../support/prometheus.server';
import { TracedEnvironment, traceIdOf } from '../support/traced.gateway';
import { readDashboards } from './monitoring.files';

const NOWHERE = '127.0.0.1:1';

it('Prometheus stores trace exemplars of latencies, with the same series as without traces', async () => {
  const environment = await TracedEnvironment.create();
  onTestFinished(() => environment.drop());
  const [traced, plain] = await Promise.all([
    environment.startProcess(),
    environment.startProcess({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }),
  ]);
  const prometheus = await PrometheusServer.start({
    'prism-gateway': [traced, plain].map(({ admin }) => new URL(admin).host),
    'prism-worker': [NOWHERE],
    'prism-haproxy': [NOWHERE],
  });
  onTestFinished(() => prometheus.stop());

  const send = (flags: string): ReturnType<typeof traced.send> =>
    traced.send('GET', environment.path(`/${randomUUID()}`), undefined, {
      traceparent: `00-${randomUUID().replaceAll('-', '')}-00f067aa0ba902b7-${flags}`,
    });
  const unrecorded = traceIdOf(await send('00'));
  const recorded = traceIdOf(await send('01'));
  await plain.send('GET', environment.path(`/${randomUUID()}`));

  const panel = readDashboards()
    .flatMap(({ panels }) => panels)
    .find(({ title }) => title === 'Request latency');
  const expression = panel?.targets.at(-1)?.expr.replaceAll('$__rate_interval', '15s') ?? '';
  const kept = async (): Promise<string[]> =>
    (await prometheus.exemplars(expression)).flatMap(({ exemplars }) =>
      exemplars.map(({ labels }) => labels.trace_id ?? ''),
    );
  await expect.poll(kept, { timeout: 20_000 }).toContain(recorded);
  expect(await kept()).not.toContain(unrecorded);
  const [series] = await prometheus.exemplars(expression);
  expect(series?.seriesLabels).toMatchObject({ job: 'prism-gateway', route: '/v2/prism/:team/:object/:id' });
  const spans = (await traced.collector.trace(recorded)).map(({ spanId }) => spanId);
  expect(spans).toContain(series?.exemplars.at(-1)?.labels.span_id);

  const seriesOf = async (instance: string): Promise<Set<string>> => {
    const samples = await prometheus.query(`{__name__=~"(prism|process|nodejs)_.+", instance="${instance}"}`);
    return new Set(
      samples
        .map(({ metric }) => Object.entries(metric).filter(([label]) => label !== 'instance'))
        .map((labels) => JSON.stringify(labels.sort()))
        .sort(),
    );
  };
  // Series that depend on the state of the process at the scrape.
  const lasting = async (instance: string): Promise<string[]> =>
    [...(await seriesOf(instance))].filter((labels) => !/nodejs_active_|nodejs_gc_/.test(labels));
  const [first, second] = ['gateway-1:9464', 'gateway-2:9464'] as const;
  await expect.poll(() => lasting(second), { timeout: 10_000 }).toEqual(await lasting(first));
  expect((await lasting(first)).length).toBeGreaterThan(300);
});
