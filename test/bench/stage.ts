import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccessService } from '#libs/auth';
import { readSettings } from '#libs/config';
import { migrate, openDatabase } from '#libs/database';
import { PostgresServer } from '../support/postgres.server';
import { startRedis } from '../support/redis.server';
import { Cleanup } from './cleanup';
import { loadOrganizations } from './organizations';
import { PostgresMeter } from './postgres.meter';
import type { ServiceProcess } from './service.process';
import { gatewaySettings, haproxyProgram, Services } from './services';

/** Durable to the letter, and with room: no checkpoint comes in the middle of a turn. */
const postgresSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  max_connections: '100',
};

/** What callers show: those of two applications of one team. */
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

/** Everything that takes part, of the bench's own. */
export interface Stage {
  postgres: PostgresServer;
  /** pgbench of the server's own version. */
  pgbench: string;
  meter: PostgresMeter;
  credentials: Credentials;
  gateway: ServiceProcess;
  textbook: ServiceProcess;
  /** Undefined without HAProxy on this machine. */
  balanced: Balanced | undefined;
  /** For files of the moment. */
  folder: string;
  /** By program, as they are said to the reader. */
  settings: { postgres: Record<string, string>; gateway: Record<string, string> };
}

/** Starts everything and loads the records. What it started is in the clean-up also if it fails. */
export async function openStage(cleanup: Cleanup, signal: AbortSignal, say: (line: string) => void): Promise<Stage> {
  const folder = temporaryFolder(cleanup);
  const postgres = await PostgresServer.create(postgresSettings);
  cleanup.add(() => postgres.remove());
  const redis = await startRedis();
  cleanup.add(() => redis.kill());
  const meter = await PostgresMeter.open(postgres.url);
  cleanup.add(() => meter.close());

  say('loading 100,000 organizations');
  const credentials = await load(postgres.url, signal);
  await meter.settle();

  say('starting the gateways');
  const services = new Services(cleanup, signal);
  const gateway = await services.gateway('gateway', postgres.url, redis.url);
  const textbook = await services.textbook(postgres.url);
  const haproxy = haproxyProgram();
  let balanced: Balanced | undefined;
  if (haproxy !== undefined) {
    const gateways: Balanced['gateways'] = [gateway, await services.gateway('second gateway', postgres.url, redis.url)];
    const one = await services.balancer(haproxy, [gateway], folder);
    balanced = { gateways, one, two: await services.balancer(haproxy, gateways, folder) };
  }

  return {
    ...{ postgres, meter, credentials, gateway, textbook, balanced, folder },
    pgbench: join(await meter.programFolder(), 'pgbench'),
    settings: { postgres: await postgresSettingsOf(meter), gateway: gatewaySettings },
  };
}

function temporaryFolder(cleanup: Cleanup): string {
  const folder = mkdtempSync(join(tmpdir(), 'prism-bench-'));
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', remove);
  cleanup.add(remove);
  return folder;
}

async function load(databaseUrl: string, signal: AbortSignal): Promise<Credentials> {
  await migrate(databaseUrl);
  const settings = readSettings({ DATABASE_URL: databaseUrl, REQUEST_TIMEOUT_MS: '60000' });
  const database = openDatabase(settings);
  try {
    const access = AccessService.over(database);
    const { id: teamId } = await access.createTeam('The bench');
    const { apiKey } = await access.createKey(teamId, 'bench', ['records:write']);
    const { apiKey: otherApiKey } = await access.createKey(teamId, 'neighbour', ['records:write']);
    await loadOrganizations(database, settings, teamId, signal);
    return { teamId, apiKey, otherApiKey };
  } finally {
    await database.close();
  }
}

/** What the server says itself, not what it was told. */
async function postgresSettingsOf(meter: PostgresMeter): Promise<Record<string, string>> {
  const names = ['server_version', ...Object.keys(postgresSettings), 'wal_sync_method', 'wal_level', 'autovacuum'];
  const settings: Record<string, string> = {};
  for (const name of names) settings[name] = await meter.setting(name);
  return settings;
}
