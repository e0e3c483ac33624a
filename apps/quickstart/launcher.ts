import { once } from 'node:events';

import { migrate } from '#libs/database';

import { DataFolder } from './data.folder';
import { seedDemo } from './demo.seed';
import { startGateway } from './gateway.service';
import { givenPostgres, givenRedis } from './given.services';
import { InstanceLock } from './instance.lock';
import { Supervisor } from './keeper.client';
import { npmGone } from './parent.watch';
import { PrivatePostgres } from './postgres.service';
import { stopLeftovers } from './process.roster';
import { QuickstartError } from './quickstart.error';
import { startPrivateRedis } from './redis.service';
import { Report } from './report';
import { type Service } from './service';

/**
 * Brings up everything for a first try and stays until it is told to stop.
 *
 * @param program the script that the keeper runs as, too.
 * @returns the exit code.
 */
export async function launch(program: string, env: NodeJS.ProcessEnv): Promise<number> {
  const stopAsked = stopSignal(env);
  let report = new Report(undefined, env);
  try {
    rejectMisplaced(env);
    const folder = DataFolder.open(process.cwd());
    report = new Report(folder, env);
    const lock = InstanceLock.acquire(folder.file('quickstart.lock'));
    try {
      await stopLeftovers(pidFileOf(folder));
      folder.clearLogs();
      await runUntil(stopAsked, folder, lock, report, program, env);
    } finally {
      lock.release();
    }
    report.stopped();
    return 0;
  } catch (error) {
    report.failed(error);
    return 1;
  }
}

async function runUntil(
  stopAsked: Promise<void>,
  folder: DataFolder,
  lock: InstanceLock,
  report: Report,
  program: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const supervisor = await Supervisor.start(program, pidFileOf(folder), folder.file('keeper.log'));
  try {
    const started = bringUp(folder, lock, supervisor, report, env);
    // When told to stop half-way, the keeper ends what is being waited for, and that failure is the expected outcome.
    started.catch(() => undefined);
    await Promise.race([Promise.all([started, stopAsked]), stopAsked, supervisor.lost]);
    report.stopping();
  } finally {
    await supervisor.stop();
  }
}

async function bringUp(
  folder: DataFolder,
  lock: InstanceLock,
  supervisor: Supervisor,
  report: Report,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  report.title();
  const postgres = givenPostgres(env) ?? (await new PrivatePostgres(folder, supervisor, env).start());
  report.postgres(postgres);
  const redis =
    givenRedis(env) ?? (postgres.origin === 'system' ? await startPrivateRedis(folder, supervisor, env) : undefined);
  report.redis(redis);
  report.migrated(await migrated(postgres));
  const gateway = await startGateway(folder, supervisor, env, postgres, redis);
  lock.announce(gateway.url);
  const demo = await seedDemo(folder.file('demo.json'), gateway.url, postgres);
  report.ready(gateway, demo, performance.now());
}

async function migrated(postgres: Service): Promise<string[]> {
  try {
    return await migrate(postgres.url);
  } catch (error) {
    if (postgres.origin !== 'given' || !(error instanceof Error)) throw error;
    const reason = error.cause instanceof Error ? error.cause.message : error.message;
    throw new QuickstartError(`the database of DATABASE_URL, ${postgres.address}, cannot be used: ${reason}`);
  }
}

function rejectMisplaced(env: NodeJS.ProcessEnv): void {
  if (env.NODE_ENV === 'production') {
    throw new QuickstartError(
      'npm start is for a first try, never for production (NODE_ENV=production): it makes a demo team with a key that it\n' +
        'prints. In production: npm run migrate, then npm run gateway, with DATABASE_URL set.',
    );
  }
  if (process.platform === 'win32') {
    throw new QuickstartError('npm start does not know how to run services on Windows: use WSL, or docker compose up');
  }
}

/** Resolves at the first of: Ctrl-C, a polite kill, the terminal or npm going away. Later signals change nothing. */
async function stopSignal(env: NodeJS.ProcessEnv): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  // npm passes on the signal that the terminal has sent us already, so that it comes twice.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
  // Whoever read our output is gone, as with `npm start | head`.
  const unread = once(process.stdout, 'error');
  process.stdout.on('error', () => undefined);
  await Promise.race([...signals, unread, npmGone(env)]);
}

function pidFileOf(folder: DataFolder): string {
  return folder.file('processes.json');
}
