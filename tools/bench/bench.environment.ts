import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { migrate, openDatabase } from '#libs/database';
import { findExecutable } from '../../test/support/prerequisites.mjs';
import type { BenchContext } from './bench.context';
import { loadOrganizations, recordCount } from './organizations';
import { durableSettings, type Servers, startServers } from './servers';
import type { ServiceProcess } from './service.process';
import { gatewaySettings, Services } from './services';

/** API keys of two clients of one team. */
interface Credentials {
  teamId: string;
  apiKey: string;
  otherApiKey: string;
}

/** One gateway behind a load balancer, and two. */
interface Balanced {
  gateways: [ServiceProcess, ServiceProcess];
  one: ServiceProcess;
  two: ServiceProcess;
}

/** Servers, gateways and baselines of this run. */
export interface BenchEnvironment extends Omit<Servers, 'settings'> {
  credentials: Credentials;
  gateway: ServiceProcess;
  textbook: ServiceProcess;
  /** Only for workloads that import. */
  worker: ServiceProcess | undefined;
  /** Undefined without HAProxy on this machine. */
  balanced: Balanced | undefined;
  /** The settings to report, by program. */
  settings: { postgres: Record<string, string>; gateway: Record<string, string> };
}

/** Starts everything and loads the records. On failure the cleanup stops what was started. */
export async function openEnvironment(context: BenchContext, imports: boolean): Promise<BenchEnvironment> {
  const { cleanup, signal, log } = context;
  const { settings, ...servers } = await startServers(context, durableSettings);
  const { postgres, redisUrl, meter, folder } = servers;

  log('loading 100,000 organizations');
  const credentials = await load(postgres.url, signal);
  await meter.settle();

  log('starting the gateways');
  const services = new Services(cleanup, signal);
  const gateway = await services.gateway('gateway', postgres.url, redisUrl);
  const textbook = await services.textbook(postgres.url);
  const worker = imports ? await services.worker(postgres.url) : undefined;
  const haproxy = findExecutable('haproxy');
  let balanced: Balanced | undefined;
  if (haproxy !== undefined) {
    const gateways: Balanced['gateways'] = [gateway, await services.gateway('second gateway', postgres.url, redisUrl)];
    const one = await services.balancer(haproxy, [gateway], folder);
    balanced = { gateways, one, two: await services.balancer(haproxy, gateways, folder) };
  }

  return {
    ...servers,
    ...{ credentials, gateway, textbook, worker, balanced },
    settings: { postgres: settings, gateway: gatewaySettings },
  };
}

async function load(databaseUrl: string, signal: AbortSignal): Promise<Credentials> {
  await migrate(databaseUrl);
  const settings = readSettings({ DATABASE_URL: databaseUrl, REQUEST_TIMEOUT_MS: '60000' });
  const database = openDatabase(settings);
  try {
    const access = AccessService.create(database);
    const { id: teamId } = await access.createTeam('The bench');
    const { apiKey } = await access.createKey(teamId, 'bench', ['records:read', 'records:write']);
    const { apiKey: otherApiKey } = await access.createKey(teamId, 'neighbor', ['records:write']);
    await loadOrganizations(database, settings, { teamId, from: 0, to: recordCount }, signal);
    return { teamId, apiKey, otherApiKey };
  } finally {
    await database.close();
  }
}
