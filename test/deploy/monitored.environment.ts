import { randomUUID } from 'node:crypto';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { openDatabase } from '#libs/database';
import { ProgramProcess } from '../support/program.process';
import { Balancer } from '../support/balancer';
import type { Cleanup } from '../support/cleanup';
import { PrometheusServer } from '../support/prometheus.server';
import { freePort } from '../support/free.port';
import { Session } from '../support/session';
import { WorkerProcess } from '../support/worker.process';
import { MixedTraffic, smallGateway } from './mixed.traffic';

/** The client that the mixed traffic is of. */
export const monitoredClient = 'billing';

export interface MonitoredSetup {
  /** A migrated database. */
  databaseUrl: string;
  redisUrl: string;
  /** How many, 1 or 2: as many as the load balancer knows. */
  gateways: number;
}

export interface MonitoredEnvironment {
  /** Where requests go to. */
  url: string;
  prometheus: PrometheusServer;
}

/** Gateways and a worker behind the load balancer, scraped by a Prometheus. Resolves when mixed traffic has begun. */
export async function openMonitoredEnvironment(setup: MonitoredSetup, cleanup: Cleanup): Promise<MonitoredEnvironment> {
  const gateways = await startGateways(setup, cleanup);
  const workerPort = await freePort();
  const workerSettings = { METRICS_PORT: String(workerPort), RETENTION_INTERVAL_SECONDS: '1' };
  const worker = await WorkerProcess.start(setup.databaseUrl, workerSettings);
  cleanup.add(() => worker.end('SIGKILL'));
  const balancer = await Balancer.start(gateways.map(({ port }) => port));
  cleanup.add(() => balancer.stop());
  const prometheus = await PrometheusServer.start({
    'prism-gateway': gateways.map(({ metricsPort }) => `127.0.0.1:${metricsPort}`),
    'prism-worker': [`127.0.0.1:${workerPort}`],
    'prism-haproxy': [new URL(balancer.metricsUrl).host],
  });
  cleanup.add(() => prometheus.stop());
  await balancer.waitUntilUsed(...gateways.map((_, index) => index + 1));
  await startTraffic(balancer.url, setup, cleanup);
  return { url: balancer.url, prometheus };
}

async function startGateways(
  { databaseUrl, redisUrl, gateways }: MonitoredSetup,
  cleanup: Cleanup,
): Promise<{ port: number; metricsPort: number }[]> {
  const started: { port: number; metricsPort: number }[] = [];
  for (let number = 1; number <= gateways; number += 1) {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const settings = {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      METRICS_HOST: '127.0.0.1',
      METRICS_PORT: String(metricsPort),
      LOG_LEVEL: 'warn',
      LOCK_TIMEOUT_MS: '20',
      ...smallGateway,
    };
    const gateway = new ProgramProcess(`gateway ${number}`, { port, settings, preloads: [] });
    cleanup.add(() => gateway.close());
    await gateway.start();
    started.push({ port, metricsPort });
  }
  return started;
}

async function startTraffic(url: string, setup: MonitoredSetup, cleanup: Cleanup): Promise<void> {
  const session = await Session.open(setup.databaseUrl);
  cleanup.add(() => session.close());
  const keys = await newKeys(setup.databaseUrl);
  const traffic = new MixedTraffic({ url, session, ...keys });
  traffic.start();
  cleanup.add(() => traffic.stop());
}

async function newKeys(databaseUrl: string): Promise<{ teamId: string; apiKey: string; limitedKey: string }> {
  const database = openDatabase(readSettings({ DATABASE_URL: databaseUrl }));
  try {
    const access = AccessService.create(database);
    const { id: teamId } = await access.createTeam('A team', randomUUID());
    const { apiKey } = await access.createKey(teamId, monitoredClient, ['records:read', 'records:write']);
    const { apiKey: limitedKey } = await access.createKey(teamId, 'limited', ['records:read']);
    await access.setLimits(teamId, 'limited', { requests: { perSecond: 1, burst: 1 } });
    return { teamId, apiKey, limitedKey };
  } finally {
    await database.close();
  }
}
