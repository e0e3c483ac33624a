import { type Database, migrate, openDatabase } from '#libs/database';
import { PostgresServer } from '../../test/support/postgres.server';
import { freePort } from '../../test/support/redis.server';
import type { LinkName } from './fault.schedule';
import { GatewayServer } from '../../test/support/gateway.server';
import { LoopbackProxy } from './loopback.proxy';
import type { Mutant } from './mutants/mutant.catalogue';
import { builtFile } from '../../test/support/repository.files';
import type { Random } from '../../test/support/random';
import { RedisProcess } from './redis.process';

/** A gateway and the ways to and from it. */
export interface Actor {
  gateway: GatewayServer;
  links: Record<LinkName, LoopbackProxy>;
}

const hourMs = 3_600_000;
const recoveryMs = 30_000;

/** Everything that takes part, of our own: Postgres, Redis and two gateways, with a proxy in every connection. */
export class ChaosEnvironment {
  private readonly closers: (() => Promise<void>)[] = [];

  private constructor(
    readonly postgres: PostgresServer,
    readonly redis: RedisProcess,
    readonly actors: [Actor, Actor],
    /** Straight to Postgres, past the proxies. */
    readonly database: Database,
  ) {}

  static async open(random: Random, mutant: Mutant | undefined): Promise<ChaosEnvironment> {
    const closers: (() => Promise<void>)[] = [];
    try {
      // A commit that nothing waits for stays in memory for long, so that an immediate stop takes it along.
      const postgres = await PostgresServer.create({ wal_writer_delay: '10s', deadlock_timeout: '500ms' });
      closers.push(() => postgres.remove());
      const redis = await RedisProcess.create();
      closers.push(() => redis.close());
      await migrate(postgres.url);
      const database = openDatabase({ databaseUrl: postgres.url, databasePoolSize: 2, requestTimeoutMs: recoveryMs });
      closers.push(() => database.close());
      await mutant?.install?.(database);

      const actors: Actor[] = [];
      for (const [index, name] of ['first gateway', 'second gateway'].entries()) {
        const chance = random.fork(name);
        const draw = (): number => chance.next();
        const port = await freePort();
        const links = {
          callers: await LoopbackProxy.listen(port, draw),
          postgres: await LoopbackProxy.listen(postgres.port, draw),
          redis: await LoopbackProxy.listen(redis.port, draw),
        };
        for (const link of Object.values(links)) closers.push(() => link.close());
        // One of the machines has a clock that is off.
        const shiftMs = index === 0 ? 0 : chance.pick([-hourMs, hourMs]);
        const gateway = new GatewayServer(name, {
          port,
          settings: {
            DATABASE_URL: `postgres://postgres@127.0.0.1:${links.postgres.port}/postgres`,
            REDIS_URL: `redis://127.0.0.1:${links.redis.port}`,
            METRICS_HOST: '127.0.0.1',
            METRICS_PORT: '0',
            LOG_LEVEL: 'error',
            REQUEST_TIMEOUT_MS: '3000',
            LOCK_TIMEOUT_MS: '300',
            DRAIN_DELAY_MS: '100',
            CHAOS_CLOCK_SHIFT_MS: String(shiftMs),
          },
          preloads: [
            ...(shiftMs === 0 ? [] : [preload('clock')]),
            ...(mutant?.preload === undefined ? [] : [preload(mutant.preload)]),
          ],
        });
        closers.push(() => gateway.close());
        actors.push({ gateway, links });
      }
      const environment = new ChaosEnvironment(postgres, redis, actors as [Actor, Actor], database); // two names, so two actors
      environment.closers.push(...closers);
      await Promise.all(actors.map(({ gateway }) => gateway.start()));
      return environment;
    } catch (error) {
      await closeAll(closers);
      throw error;
    }
  }

  /** Resolves when both gateways say that they are ready, nothing being broken any more. */
  async whole(): Promise<void> {
    await Promise.all(this.actors.map(({ gateway }) => gateway.ready(recoveryMs)));
  }

  /** Stops everything and takes its data away. */
  async close(): Promise<void> {
    await closeAll(this.closers);
  }
}

/** The last first; one that fails keeps no other from being closed. */
async function closeAll(closers: (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything could be stopped');
}

/** What Node loads before the gateway's own code: a file of this folder, built. */
function preload(name: string): string {
  return builtFile(`tools/chaos/${name}.preload.js`);
}
