import { type DynamicModule, Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import type { ConnectionPool } from './connection.pool';
import { ControlDatabase, Database, ReadDatabase } from './database';
import { type DatabaseErrorKind, DatabaseMetrics } from './database.metrics';
import { poolerOptions, type PoolerSettings } from './pooler';
import { PrimaryServer } from './server.identity';

type OnDatabaseError = (kind: DatabaseErrorKind) => void;
type DatabaseSettings = Pick<Settings, 'databaseUrl' | 'databasePoolSize' | 'requestTimeoutMs'> &
  Partial<PoolerSettings & Pick<Settings, 'databaseReadUrl'>>;

/** Enough: its statements take less than a millisecond, and their results are cached. */
const CONTROL_POOL_SIZE = 2;

/** The maximum time that a connection leads to a server that the address no longer points to. */
const DATA_LIFETIME_SECONDS = 300;
/**
 * Shorter, so that a replaced server is noticed even if no connection broke. Used where new connections are cheap: for the control
 * pool, and behind transaction pooling, which does not pass on that the server has become read-only.
 */
const SHORT_LIFETIME_SECONDS = 10;

/** Opens a pool as the settings specify. It connects at first use, so this also succeeds while Postgres is down. */
export function openDatabase(settings: DatabaseSettings, onError?: OnDatabaseError, primary?: PrimaryServer): Database {
  const { databaseUrl: url, databasePoolSize: poolSize, requestTimeoutMs: timeoutMs } = settings;
  const pooler = poolerOptions(settings);
  const maxLifetimeSeconds = pooler.pooler === 'transaction' ? SHORT_LIFETIME_SECONDS : DATA_LIFETIME_SECONDS;
  return new Database(
    { url, poolSize, timeoutMs, maxLifetimeSeconds, ...pooler, ...(primary && { primary }) },
    onError,
  );
}

/** Opens the pool for keys, definitions and readiness. */
export function openControlDatabase(
  settings: DatabaseSettings,
  onError?: OnDatabaseError,
  primary?: PrimaryServer,
): ControlDatabase {
  const { databaseUrl: url, requestTimeoutMs: timeoutMs } = settings;
  const maxLifetimeSeconds = SHORT_LIFETIME_SECONDS;
  const options = { url, poolSize: CONTROL_POOL_SIZE, timeoutMs, maxLifetimeSeconds, ...(primary && { primary }) };
  return new ControlDatabase({ ...options, ...poolerOptions(settings) }, onError);
}

/** Opens the pool of `DATABASE_READ_URL`; undefined if that is not set. */
function openReadDatabase(settings: DatabaseSettings, onError?: OnDatabaseError): ReadDatabase | undefined {
  const { databaseReadUrl: url, databasePoolSize: poolSize, requestTimeoutMs: timeoutMs } = settings;
  if (url === undefined) return undefined;
  const maxLifetimeSeconds = DATA_LIFETIME_SECONDS;
  const options = { url, poolSize, timeoutMs, maxLifetimeSeconds, access: 'any' as const, ...poolerOptions(settings) };
  return new ReadDatabase(options, onError);
}

function observed<P extends ConnectionPool>(pool: P, metrics: DatabaseMetrics): P {
  metrics.observePool(pool.plane, () => pool.stats());
  return pool;
}

@Injectable()
class DatabaseLifetime implements OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(ControlDatabase) private readonly control: ControlDatabase,
    @Inject(ReadDatabase) private readonly reads: ConnectionPool,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.database.close(), this.control.close(), this.reads.close()]);
  }
}

/** Provides {@link Database}, {@link ControlDatabase}, and as {@link ReadDatabase} the pool that serves list, query and count. */
@Global()
@Module({})
export class DatabaseModule {
  static of(settings: Settings): DynamicModule {
    const onError =
      (metrics: DatabaseMetrics): OnDatabaseError =>
      (kind) => {
        metrics.countDatabaseError(kind);
      };
    return {
      module: DatabaseModule,
      providers: [
        PrimaryServer,
        DatabaseMetrics,
        {
          provide: Database,
          inject: [DatabaseMetrics, PrimaryServer],
          useFactory: (metrics: DatabaseMetrics, primary: PrimaryServer) => {
            metrics.observeStandby(() => primary.waitsForStandby);
            const database = observed(openDatabase(settings, onError(metrics), primary), metrics);
            metrics.observeNodes(database.poolSize, () => database.nodeStates());
            database.watchNodes();
            return database;
          },
        },
        {
          provide: ControlDatabase,
          inject: [DatabaseMetrics, PrimaryServer],
          useFactory: (metrics: DatabaseMetrics, primary: PrimaryServer) =>
            observed(openControlDatabase(settings, onError(metrics), primary), metrics),
        },
        {
          provide: ReadDatabase,
          inject: [DatabaseMetrics, Database],
          useFactory: (metrics: DatabaseMetrics, database: Database): ConnectionPool => {
            const reads = openReadDatabase(settings, onError(metrics));
            return reads === undefined ? database : observed(reads, metrics);
          },
        },
        DatabaseLifetime,
      ],
      exports: [Database, ControlDatabase, ReadDatabase],
    };
  }
}
