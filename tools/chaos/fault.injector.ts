import { Database, DatabaseUnavailable } from '#libs/database';
import { pause } from '#libs/program';
import { failoverInjections } from './failover.injector';
import { patroniInjections } from './patroni.injector';
import type { Hold, Injection } from './fault.injection';
import type { Fault, FaultKind } from './fault.schedule';
import type { ChaosEnvironment } from './chaos.environment';
import type { SharedRecords } from './shared.records';

/**
 * Injects a fault and repairs it; resolves when it is repaired.
 *
 * @param stop ends the fault early
 */
export async function inject(
  environment: ChaosEnvironment,
  fault: Fault,
  records: SharedRecords,
  stop: AbortSignal,
): Promise<void> {
  const hold: Hold = (ms = fault.holdMs) => pause(ms, stop);
  await injections[fault.kind](environment, fault, hold, records);
}

const injections: Record<FaultKind, Injection> = {
  ...failoverInjections,
  ...patroniInjections,
  'gateway-killed': async ({ gateways }, fault, hold) => {
    const { gateway } = gateways[fault.gateway];
    await gateway.kill();
    await hold();
    await gateway.start();
  },
  'gateway-frozen': async ({ gateways }, fault, hold) => {
    const { gateway } = gateways[fault.gateway];
    gateway.pause();
    await hold();
    gateway.resume();
  },
  'gateway-drained': async ({ gateways }, fault, hold) => {
    const { gateway } = gateways[fault.gateway];
    await gateway.drain();
    await hold();
    await gateway.start();
  },
  'worker-killed': async ({ worker }, _fault, hold) => {
    await worker.kill();
    await hold();
    await worker.start();
  },
  'postgres-stopped': async ({ postgres, database }, _fault, hold) => {
    const writer = await walWriter(database);
    // From now on WAL that no commit waits for stays in memory, and the stop loses it.
    if (writer !== undefined) process.kill(writer, 'SIGSTOP');
    await hold(unwrittenMs);
    const stopped = postgres.stop('immediate');
    if (writer !== undefined) process.kill(writer, 'SIGKILL');
    await stopped;
    await hold();
    await postgres.start();
  },
  'backends-terminated': async ({ database }) => {
    await ignoreUnavailable(
      database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'prism-gateway' AND pid <> pg_backend_pid()`,
      ),
    );
  },
  'records-locked': async ({ database }, _fault, hold, { teamId, hotIds }) => {
    const lock = 'SELECT FROM records WHERE team_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE';
    await ignoreUnavailable(
      database.transaction(async (client) => {
        await client.query(lock, [teamId, hotIds]);
        await hold();
      }),
    );
  },
  'redis-flushed': async ({ redis }) => {
    await redis.flush();
  },
  'redis-emptied': async ({ redis }, _fault, hold) => {
    await redis.kill();
    await hold();
    await redis.restart('empty');
  },
  'redis-frozen': async ({ redis }, _fault, hold) => {
    redis.pause();
    await hold();
    redis.resume();
  },
  'redis-restored': async ({ redis }, _fault, hold) => {
    await redis.save();
    await hold();
    await redis.kill();
    await redis.restart('saved');
  },
  'link-cut': async ({ gateways }, { gateway, link }, hold) => {
    gateways[gateway].links[link].cut();
    await hold();
  },
  'link-stalled': (environment, fault, hold) => disturbTraffic(environment, fault, hold, 'stalled'),
  'responses-lost': (environment, fault, hold) => disturbTraffic(environment, fault, hold, 'responses-lost'),
  'requests-cut': (environment, fault, hold) => disturbTraffic(environment, fault, hold, 'requests-cut'),
};

/** Milliseconds before an immediate stop of Postgres in which only synchronous commits flush WAL. */
const unwrittenMs = 200;

async function disturbTraffic(
  { gateways }: ChaosEnvironment,
  { gateway, link }: Fault,
  hold: Hold,
  mode: 'stalled' | 'responses-lost' | 'requests-cut',
): Promise<void> {
  const proxy = gateways[gateway].links[link];
  proxy.setMode(mode);
  await hold();
  proxy.setMode('normal');
}

/** The process id of the WAL writer, which flushes asynchronous commits; undefined while Postgres is unavailable. */
async function walWriter(database: Database): Promise<number | undefined> {
  const found = await ignoreUnavailable(
    database.query<{ pid: number }>("SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'"),
  );
  return found?.rows[0]?.pid;
}

/** Undefined while Postgres is unavailable, which a fault of another lane may cause. */
async function ignoreUnavailable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return undefined;
    throw error;
  }
}
