import { type DynamicModule, Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import type { ConnectionPool, DatabaseOptions } from './connection.pool';
import { ControlDatabase, Database } from './database';
import { type DatabaseErrorKind, DatabaseMetrics } from './database.metrics';

type OnDatabaseError = (kind: DatabaseErrorKind) => void;
type DatabaseSettings = Pick<Settings, 'databaseUrl' | 'databasePoolSize' | 'requestTimeoutMs'>;

/** Enough: its statements take less than a millisecond, and their results are cached. */
const CONTROL_POOL_SIZE = 2;

/** Opens a pool as the settings specify. It connects at first use, so this also succeeds while Postgres is down. */
export function openDatabase(settings: DatabaseSettings, onError?: OnDatabaseError): Database {
  return new Database(optionsOf(settings, settings.databasePoolSize), onError);
}

function optionsOf(settings: DatabaseSettings, poolSize: number): DatabaseOptions {
  return { url: settings.databaseUrl, poolSize, statementTimeoutMs: settings.requestTimeoutMs };
}

function observed<P extends ConnectionPool>(pool: P, metrics: DatabaseMetrics): P {
  metrics.observePool(pool.plane, () => pool.use());
  return pool;
}

@Injectable()
class DatabaseLifetime implements OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(ControlDatabase) private readonly control: ControlDatabase,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.database.close(), this.control.close()]);
  }
}

/** Provides {@link Database}, the pool of the data plane, and {@link ControlDatabase}. */
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
        DatabaseMetrics,
        {
          provide: Database,
          inject: [DatabaseMetrics],
          useFactory: (metrics: DatabaseMetrics) => {
            const database = openDatabase(settings, onError(metrics));
            return observed(database, metrics);
          },
        },
        {
          provide: ControlDatabase,
          inject: [DatabaseMetrics],
          useFactory: (metrics: DatabaseMetrics) => {
            const database = new ControlDatabase(optionsOf(settings, CONTROL_POOL_SIZE), onError(metrics));
            return observed(database, metrics);
          },
        },
        DatabaseLifetime,
      ],
      exports: [Database, ControlDatabase],
    };
  }
}
