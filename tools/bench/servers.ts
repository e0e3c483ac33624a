import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresServer } from '../../test/support/postgres.server';
import { startRedis } from '../../test/support/redis.server';
import type { BenchContext } from './bench.context';
import type { Cleanup } from '../../test/support/cleanup';
import { PostgresMeter } from './postgres.meter';

/** Full durability, and a WAL size that prevents checkpoints during a turn. */
export const durableSettings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  max_connections: '100',
};

/** A Postgres and a Redis of this run. */
export interface Servers {
  postgres: PostgresServer;
  /** pgbench of the server's version. */
  pgbench: string;
  redisUrl: string;
  meter: PostgresMeter;
  /** Folder for temporary files. */
  folder: string;
  /** The effective server settings, read from Postgres. */
  settings: Record<string, string>;
}

/** Starts the servers. On failure the cleanup stops what was started. */
export async function startServers(context: BenchContext, settings: Record<string, string>): Promise<Servers> {
  const { cleanup } = context;
  const folder = temporaryFolder(cleanup);
  const postgres = await startPostgres(context, settings);
  const redis = await startRedis();
  cleanup.add(() => redis.kill());
  const meter = await openMeter(context, postgres.url);
  return {
    ...{ postgres, meter, folder },
    pgbench: join(await meter.programFolder(), 'pgbench'),
    redisUrl: redis.url,
    settings: await settingsOf(meter, Object.keys(settings)),
  };
}

/** Starts a Postgres, which the cleanup removes. */
export async function startPostgres(
  { cleanup, signal }: BenchContext,
  settings: Record<string, string>,
): Promise<PostgresServer> {
  const postgres = await PostgresServer.create(settings);
  cleanup.add(() => postgres.remove());
  // A long statement must not delay the end.
  signal.addEventListener('abort', () => {
    postgres.stop('immediate').catch((error: unknown) => {
      process.stderr.write(`Postgres could not be stopped: ${String(error)}\n`);
    });
  });
  return postgres;
}

/** @param url of a database of the server */
export async function openMeter({ cleanup }: BenchContext, url: string): Promise<PostgresMeter> {
  const meter = await PostgresMeter.open(url);
  cleanup.add(() => meter.close());
  return meter;
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

async function settingsOf(meter: PostgresMeter, given: readonly string[]): Promise<Record<string, string>> {
  const settings: Record<string, string> = {};
  for (const name of new Set(['server_version', ...given, 'wal_sync_method', 'wal_level', 'autovacuum'])) {
    settings[name] = await meter.setting(name);
  }
  return settings;
}
