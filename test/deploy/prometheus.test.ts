// @module-tag haproxy
// @module-tag prometheus
// @module-tag redis-server
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Cleanup } from '../support/cleanup';
import { createDatabase } from '../support/database';
import type { PrometheusServer, QuerySample } from '../support/prometheus.server';
import { documentedMetrics, isOfCluster, readDashboards, readRules } from './monitoring.files';
import { familyOf, selectorsIn } from './promql';
import { openMonitoredEnvironment, monitoredClient } from './monitored.environment';

const { recording, alerts } = readRules();
const panels = readDashboards()
  .flatMap(({ file, panels }) => panels.map((panel) => ({ file, ...panel })))
  .filter(({ targets }) => !targets.some(({ expr }) => readsCluster(expr)));

/** A range that covers several scrapes: the Prometheus of the tests scrapes every second. */
const RATE_INTERVAL = '15s';

const cleanup = new Cleanup();
let prometheus: PrometheusServer;

beforeAll(async () => {
  const database = await createDatabase();
  cleanup.add(() => database.drop());
  const setup = { databaseUrl: database.url, redisUrl: inject('redisUrl'), gateways: 1 };
  ({ prometheus } = await openMonitoredEnvironment(setup, cleanup));
});

afterAll(() => cleanup.run());

/** The expression of a panel with Grafana's variables replaced. @param client a regular expression of client names */
function substituted(expression: string, client: string): string {
  return expression.replaceAll('$__rate_interval', RATE_INTERVAL).replaceAll('$client', client);
}

function readsCluster(expression: string): boolean {
  return selectorsIn(expression).some(({ metric }) => isOfCluster(metric));
}

/** Resolves with the result of the expression as soon as that has a finite value. */
async function dataOf(expression: string): Promise<QuerySample[]> {
  let samples: QuerySample[] = [];
  await expect
    .poll(
      async () => {
        samples = await prometheus.query(expression);
        return samples.some(({ value }) => Number.isFinite(Number(value[1])));
      },
      { timeout: 20_000, interval: 200, message: `data of ${expression}` },
    )
    .toBe(true);
  return samples;
}

describe('the traffic contains every kind of request', () => {
  it.each([
    ['success', 'prism_batches_total{result="all_ok"}'],
    ['partial', 'prism_batches_total{result="partial"}'],
    ['failing', 'prism_batches_total{result="all_failed"}'],
    ['replayed', 'prism_idempotency_requests_total{result=~"replayed_.+"}'],
    ['resumed', 'prism_idempotency_requests_total{result="resumed"}'],
    ['rejected', 'prism_auth_failures_total'],
    ['shed', 'prism_requests_shed_total'],
  ])('%s', async (_kind, counter) => {
    await dataOf(`${counter} > 0`);
  });
});

describe('every panel has data', () => {
  it.each(panels)('$file: $title', async ({ targets }) => {
    for (const { expr, legendFormat } of targets) {
      const samples = await dataOf(substituted(expr, monitoredClient));
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(
          samples.filter(({ metric }) => metric[label] === undefined),
          `${label} of ${expr}`,
        ).toEqual([]);
      }
    }
  });

  it('every variable has values', async () => {
    const variables = readDashboards().flatMap(({ templating }) => templating.list);
    const queried = variables.flatMap(({ definition }) => definition ?? []);
    expect(queried).not.toEqual([]);
    for (const definition of queried) {
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
      expect((await dataOf(metric)).map((sample) => sample.metric[label])).toContain(monitoredClient);
    }
  });
});

describe('every rule has data', () => {
  const series = recording.map(({ record, labels = {} }) => {
    const matchers = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    return `${record}{${matchers.join()}}`;
  });
  it.each(series)('%s', async (text) => {
    await dataOf(text);
  });

  it.each(alerts.filter(({ expr }) => !readsCluster(expr)))(
    '$alert ($labels.severity): in every series that it reads',
    async ({ expr }) => {
      for (const { text } of selectorsIn(expr)) await dataOf(text);
    },
  );
});

describe('every metric', () => {
  it('that is scraped is documented', async () => {
    const known = new Set([...documentedMetrics(), ...recording.map(({ record }) => record), 'up']);
    const foreign = /^(haproxy_|scrape_|ALERTS)/;
    const unknown = (await prometheus.metricNames()).filter(
      (name) => !known.has(familyOf(name)) && !foreign.test(name),
    );
    expect(unknown).toEqual([]);
  });

  it('that is documented is scraped', async () => {
    const families = new Set((await prometheus.metricNames()).map(familyOf));
    const ours = [...documentedMetrics()].filter((name) => name.startsWith('prism_') && !isOfCluster(name));
    expect(ours.filter((name) => !families.has(name))).toEqual([]);
  });
});
