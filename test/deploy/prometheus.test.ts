import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { GatewayProcess } from '../exactly-once/chaos/gateway.process';
import { Balancer } from '../support/balancer';
import { createDatabase, type TestDatabase } from '../support/database';
import { PrometheusServer, type Sample } from '../support/prometheus.server';
import { freePort } from '../support/redis.server';
import { Session } from '../support/session';
import { WorkerProcess } from '../support/worker.process';
import { MixedTraffic, smallGateway } from './mixed.traffic';
import { documentedMetrics, readDashboards, readRules } from './monitoring.files';
import { familyOf, selectorsIn } from './promql';

const client = 'billing';
const { recording, alerts } = readRules();
const panels = readDashboards().flatMap(({ file, panels }) => panels.map((panel) => ({ file, ...panel })));

/** As Grafana does, but for a range in which a second's scrapes are many. */
function substituted(expression: string): string {
  return expression.replaceAll('$__rate_interval', '15s').replaceAll('$client', client);
}

let database: TestDatabase;
let session: Session;
let gateway: GatewayProcess;
let worker: WorkerProcess;
let balancer: Balancer;
let prometheus: PrometheusServer;
let traffic: MixedTraffic;

beforeAll(async () => {
  database = await createDatabase();
  session = await Session.open(database.url);
  const [port, gatewayAdmin, workerAdmin] = [await freePort(), await freePort(), await freePort()];
  const shared = { DATABASE_URL: database.url, METRICS_HOST: '127.0.0.1', LOG_LEVEL: 'warn' };
  const settings = {
    ...shared,
    REDIS_URL: inject('redisUrl'),
    METRICS_PORT: String(gatewayAdmin),
    LOCK_TIMEOUT_MS: '20',
    ...smallGateway,
  };
  gateway = new GatewayProcess('the gateway', { port, settings, preloads: [] });
  [worker, balancer] = await Promise.all([
    WorkerProcess.start(database.url, { METRICS_PORT: String(workerAdmin), RETENTION_INTERVAL_SECONDS: '1' }),
    Balancer.start([port]),
    gateway.start(),
  ]);
  prometheus = await PrometheusServer.start({
    'prism-gateway': [`127.0.0.1:${gatewayAdmin}`],
    'prism-worker': [`127.0.0.1:${workerAdmin}`],
    'prism-haproxy': [new URL(balancer.metricsUrl).host],
  });
  await balancer.uses(1);
  traffic = new MixedTraffic({ url: balancer.url, session, ...(await newKeys()) });
  traffic.start();
});

afterAll(async () => {
  await traffic.stop();
  await Promise.all([prometheus.stop(), balancer.stop(), gateway.close(), worker.end('SIGKILL')]);
  await session.close();
  await database.drop();
});

async function newKeys(): Promise<{ teamId: string; apiKey: string; limitedKey: string }> {
  const direct = openDatabase(readSettings({ DATABASE_URL: database.url }));
  const access = AccessService.over(direct);
  const { id: teamId } = await access.createTeam('A team', randomUUID());
  const { apiKey } = await access.createKey(teamId, client, ['records:read', 'records:write']);
  const { apiKey: limitedKey } = await access.createKey(teamId, 'limited', ['records:read']);
  await access.limitClient(teamId, 'limited', { requests: { perSecond: 1, burst: 1 } });
  await direct.close();
  return { teamId, apiKey, limitedKey };
}

/** Resolves with what the expression gives as soon as that is a number. */
async function dataOf(expression: string): Promise<Sample[]> {
  let samples: Sample[] = [];
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

describe('the traffic is of every kind', () => {
  it.each([
    ['success', 'prism_batches_total{result="all_ok"}'],
    ['partial', 'prism_batches_total{result="partial"}'],
    ['failing', 'prism_batches_total{result="all_failed"}'],
    ['replayed', 'prism_idempotency_requests_total{result=~"replayed_.+"}'],
    ['resumed', 'prism_idempotency_requests_total{result="resumed"}'],
    ['refused', 'prism_auth_failures_total'],
    ['shed', 'prism_shed_total'],
  ])('%s', async (_kind, counter) => {
    await dataOf(`${counter} > 0`);
  });
});

describe('every panel has data', () => {
  it.each(panels)('$file: $title', async ({ targets }) => {
    for (const { expr, legendFormat } of targets) {
      const samples = await dataOf(substituted(expr));
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        expect(
          samples.filter(({ metric }) => metric[label] === undefined),
          `${label} of ${expr}`,
        ).toEqual([]);
      }
    }
  });

  it('and every variable has values', async () => {
    const variables = readDashboards().flatMap(({ templating }) => templating.list);
    const queried = variables.flatMap(({ definition }) => definition ?? []);
    expect(queried).not.toEqual([]);
    for (const definition of queried) {
      const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
      expect((await dataOf(metric)).map((sample) => sample.metric[label])).toContain(client);
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

  it.each(alerts)('$alert ($labels.severity): in all that it reads', async ({ expr }) => {
    for (const { text } of selectorsIn(expr)) await dataOf(text);
  });
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
    const ours = [...documentedMetrics()].filter((name) => name.startsWith('prism_'));
    expect(ours.filter((name) => !families.has(name))).toEqual([]);
  });
});
