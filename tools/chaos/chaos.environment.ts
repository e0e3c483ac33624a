import { type Database, migrate, openDatabase } from '#libs/database';
import { Cleanup } from '../../test/support/cleanup';
import { PatroniCluster } from '../../test/support/patroni.cluster';
import { PostgresPair } from '../../test/support/postgres.pair';
import { PostgresServer } from '../../test/support/postgres.server';
import { freePort } from '../../test/support/free.port';
import { onServer } from '../../test/support/server.database';
import type { LinkName } from './fault.schedule';
import { ProgramProcess } from '../../test/support/program.process';
import { LossyProxy } from './lossy.proxy';
import type { Options } from './cli.options';
import { type Mutant, mutants } from './mutants/mutant.catalogue';
import { installMutation } from './mutants/procedure.mutation';
import { builtFile } from '../../test/support/repository.files';
import type { Random } from '../../test/support/random';
import { RedisProcess } from './redis.process';

/** A gateway and the proxies of its connections. */
export interface ProxiedGateway {
  gateway: ProgramProcess;
  links: Record<LinkName, LossyProxy>;
}

/** One server, a primary with its standby, or both managed by Patroni. */
type Servers = PostgresServer | PostgresPair | PatroniCluster;

const databaseName = 'prism';
const hourMs = 3_600_000;
const recoveryMs = 30_000;
const poolSize = 10;
/** The maximum for both gateways together. Each has a pool, two connections of the control plane, and two that check the server. */
export const maxBackends = 2 * (poolSize + 2 + 2);

// Asynchronous commits stay in memory for a long time, so that an immediate stop loses them.
const postgresSettings = { wal_writer_delay: '10s', deadlock_timeout: '500ms' };

/** Postgres, Redis, a worker and two gateways of this run. Every connection of the gateways has a proxy. */
export class ChaosEnvironment {
  /** When a standby had taken over and connections of the gateways reached it, by `performance.now()`. */
  readonly takeovers: number[];

  private constructor(
    private readonly servers: Servers,
    readonly redis: RedisProcess,
    readonly gateways: [ProxiedGateway, ProxiedGateway],
    /** Runs imports. */
    readonly worker: ProgramProcess,
    /** Direct connections to Postgres, without a proxy. */
    readonly database: Database,
    private readonly cleanup: Cleanup,
  ) {
    this.takeovers = servers instanceof PatroniCluster ? servers.takeovers : [];
  }

  static async open(random: Random, options: Pick<Options, 'mutant' | 'servers'>): Promise<ChaosEnvironment> {
    const mutant: Mutant | undefined = options.mutant && mutants[options.mutant];
    const cleanup = new Cleanup();
    try {
      const servers = await startServers(mutant?.failover === true ? 'pair' : options.servers);
      cleanup.add(() => servers.remove());
      const { proxied, direct } = addressesOf(servers);
      const redis = await RedisProcess.create();
      cleanup.add(() => redis.close());
      const databaseUrl = `${direct}?application_name=chaos`;
      await migrate(databaseUrl);
      const database = openDatabase({ databaseUrl, databasePoolSize: 2, requestTimeoutMs: recoveryMs });
      cleanup.add(() => database.close());
      if (mutant?.mutation !== undefined) await installMutation(database, mutant.mutation);

      const gateways: ProxiedGateway[] = [];
      for (const [index, name] of ['first gateway', 'second gateway'].entries()) {
        const gatewayRandom = random.fork(name);
        const chance = (): number => gatewayRandom.next();
        const port = await freePort();
        const links = {
          callers: await LossyProxy.listen(port, chance),
          postgres: await LossyProxy.listen(proxied.port, chance),
          redis: await LossyProxy.listen(redis.port, chance),
        };
        for (const link of Object.values(links)) cleanup.add(() => link.close());
        // One gateway has a wrong clock.
        const shiftMs = index === 0 ? 0 : gatewayRandom.pick([-hourMs, hourMs]);
        const gateway = new ProgramProcess(name, {
          port,
          settings: {
            DATABASE_URL: proxied.url(links.postgres.port, index === 1),
            REDIS_URL: `redis://127.0.0.1:${links.redis.port}`,
            METRICS_HOST: '127.0.0.1',
            METRICS_PORT: '0',
            LOG_LEVEL: 'error',
            DATABASE_POOL_SIZE: String(poolSize),
            REQUEST_TIMEOUT_MS: '3000',
            LOCK_TIMEOUT_MS: '300',
            DRAIN_DELAY_MS: '100',
            DRAIN_GRACE_MS: '100',
            CHAOS_CLOCK_SHIFT_MS: String(shiftMs),
          },
          preloads: [
            ...(shiftMs === 0 ? [] : [preload('clock')]),
            ...(mutant?.preload === undefined ? [] : [preload(mutant.preload)]),
          ],
        });
        cleanup.add(() => gateway.close());
        gateways.push({ gateway, links });
      }
      const port = await freePort();
      const worker = new ProgramProcess('worker', {
        port,
        settings: {
          // Not counted, and not terminated, as a backend of a gateway.
          DATABASE_URL: `${direct}?application_name=chaos-worker`,
          METRICS_HOST: '127.0.0.1',
          METRICS_PORT: String(port),
          PORT: '0',
          LOG_LEVEL: 'error',
          IMPORT_LEASE_SECONDS: '1',
        },
        preloads: mutant?.preload === undefined ? [] : [preload(mutant.preload)],
        program: builtFile('apps/worker/main.js'),
      });
      cleanup.add(() => worker.close());
      const environment = new ChaosEnvironment(
        servers,
        redis,
        gateways as [ProxiedGateway, ProxiedGateway],
        worker,
        database,
        cleanup,
      ); // two names, so two gateways
      await Promise.all(environment.processes.map((process) => process.start()));
      return environment;
    } catch (error) {
      await cleanup.run();
      throw error;
    }
  }

  /** @throws Error with `--patroni` */
  get postgres(): PostgresServer {
    if (this.servers instanceof PostgresServer) return this.servers;
    return this.pair.primary;
  }

  /** @throws Error without `--failover` */
  get pair(): PostgresPair {
    if (this.servers instanceof PostgresPair) return this.servers;
    throw new Error('this environment has no standby');
  }

  /** @throws Error without `--patroni` */
  get cluster(): PatroniCluster {
    if (this.servers instanceof PatroniCluster) return this.servers;
    throw new Error('Patroni does not manage this environment');
  }

  /** The URL of each server that may have backends of the gateways. */
  get serverUrls(): string[] {
    return this.servers instanceof PatroniCluster ? this.servers.serverUrls(databaseName) : [this.postgres.url];
  }

  /** The gateways and the worker. */
  get processes(): ProgramProcess[] {
    return [...this.gateways.map(({ gateway }) => gateway), this.worker];
  }

  /** Resolves when all processes are ready. Call it when every fault is repaired. */
  async ready(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.ready(recoveryMs)));
  }

  /** Stops all servers and deletes their data. */
  async close(): Promise<void> {
    await this.cleanup.run();
  }
}

/** The built path of a file of this folder that Node loads before the gateway's code. */
function preload(name: string): string {
  return builtFile(`tools/chaos/${name}.preload.js`);
}

async function startServers(kind: Options['servers']): Promise<Servers> {
  if (kind === 'single') return PostgresServer.create(postgresSettings);
  if (kind === 'pair') return PostgresPair.create(postgresSettings);
  const cluster = await PatroniCluster.start(postgresSettings);
  await onServer(cluster.url('postgres'), `CREATE DATABASE ${databaseName}`);
  return cluster;
}

/** How the gateways and this program reach Postgres. */
interface Addresses {
  proxied: {
    /** The port to which the proxies of a gateway forward at first. */
    port: number;
    /** The URL of a gateway whose proxy listens on `port`. @param withStandby whether it lists the standby too */
    url(port: number, withStandby: boolean): string;
  };
  /** The URL without a proxy. */
  direct: string;
}

function addressesOf(servers: Servers): Addresses {
  if (servers instanceof PatroniCluster) {
    const { port } = servers;
    return {
      proxied: { port, url: (port) => servers.url(databaseName, port) },
      direct: servers.directUrl(databaseName),
    };
  }
  if (servers instanceof PostgresServer) {
    const url = (port: number): string => urlOf([port], 'postgres');
    return { proxied: { port: servers.port, url }, direct: url(servers.port) };
  }
  const [first, second] = [servers.primary.port, servers.standby.port];
  // One gateway knows both servers; the address of the other one is redirected to the primary.
  const url = (port: number, withStandby: boolean): string =>
    urlOf([port, ...(withStandby ? [second] : [])], databaseName);
  return { proxied: { port: first, url }, direct: url(first, true) };
}

function urlOf(ports: readonly number[], database: string): string {
  return `postgres://postgres@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${database}`;
}
