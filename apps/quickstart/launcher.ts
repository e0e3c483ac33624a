import { join } from 'node:path';

import { migrate } from '#libs/database';

import { DataFolder } from './data.folder';
import { provideDemoData } from './demo.data';
import { startGateway } from './gateway.service';
import { InstanceLock } from './instance.lock';
import { startPostgres } from './postgres.service';
import { QuickstartError } from './quickstart.error';
import { startRedis } from './redis.service';
import { print, reportFailure, reportMigrations, reportPostgres, reportReady, reportRedis } from './report';
import { ServerProcesses } from './server.processes';
import { givenService, type Service } from './service';
import { startWorker } from './worker.service';

/**
 * Starts Postgres, Redis, a worker and a gateway with demo data, and runs them until a stop is requested.
 *
 * @returns the exit code
 */
export async function launch(env: NodeJS.ProcessEnv): Promise<number> {
  const stopped = stopRequest();
  try {
    rejectUnsupported(env);
    const folder = new DataFolder(join(__dirname, '../../..'));
    const lock = InstanceLock.acquire(folder.file('npm-start.lock'));
    const servers = new ServerProcesses(folder);
    try {
      const strays = await servers.stopStrays();
      if (strays.length > 0) print(`  stopped what an earlier start left running: ${strays.join(', ')}`);
      await Promise.race([stopped, servers.failed, startAll(folder, lock, servers, env).then(() => stopped)]);
      print('', '  stopping ...');
    } finally {
      await servers.stop();
      lock.release();
    }
    print('  stopped', '');
    return 0;
  } catch (error) {
    reportFailure(error);
    return 1;
  }
}

async function startAll(
  folder: DataFolder,
  lock: InstanceLock,
  servers: ServerProcesses,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  print('', '  prism gateway: a trial on this machine', '');
  const postgres = givenService(env, 'DATABASE_URL') ?? (await startPostgres(folder, servers, env));
  reportPostgres(postgres);
  const ownRedis = postgres.origin === 'system' ? await startRedis(servers, env) : undefined;
  const redis = givenService(env, 'REDIS_URL') ?? ownRedis;
  reportRedis(redis);
  reportMigrations(await migrateSchema(postgres));
  startWorker(folder, servers, env, postgres);
  const gateway = await startGateway(folder, servers, env, { postgres, redis });
  lock.announce(gateway.url);
  const demo = await provideDemoData(folder.file('demo.json'), gateway.url, postgres);
  reportReady(gateway, demo, servers.logFile('gateway'));
}

async function migrateSchema(postgres: Service): Promise<string[]> {
  try {
    return await migrate(postgres.url);
  } catch (error) {
    if (postgres.origin !== 'given' || !(error instanceof Error)) throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new QuickstartError(`cannot use the database of DATABASE_URL, ${new URL(postgres.url).host}: ${reason}`);
  }
}

function rejectUnsupported(env: NodeJS.ProcessEnv): void {
  if (env.NODE_ENV === 'production') {
    throw new QuickstartError(
      'npm start is for a trial, never for production (NODE_ENV=production): it creates a demo team and prints its key.\n' +
        'In production: npm run migrate, then npm run gateway, with DATABASE_URL set.',
    );
  }
  if (process.platform === 'win32') {
    throw new QuickstartError('npm start cannot run servers on Windows: use WSL, or docker compose up');
  }
}

/** Resolves at Ctrl-C, SIGTERM, SIGHUP, or when the output is closed. */
function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    const request = (): void => {
      resolve();
    };
    // The handlers stay: npm forwards a signal that the terminal has sent already, so each comes twice.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, request);
    process.stdout.on('error', request);
  });
}
