import { type DynamicModule, Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import { ProcessMetrics } from '#libs/telemetry';
import type { ConnectionPool, DatabaseOptions } from './connection.pool';
import { ControlDatabase, Database } from './database';

type OnDatabaseError = (kind: 'connection' | 'timeout' | 'call') => void;
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

function observed<P extends ConnectionPool>(pool: P, metrics: ProcessMetrics): P {
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
      (metrics: ProcessMetrics): OnDatabaseError =>
      (kind) => {
        metrics.countDatabaseError(kind);
      };
    return {
      module: DatabaseModule,
      providers: [
        {
          provide: Database,
          inject: [ProcessMetrics],
          useFactory: (metrics: ProcessMetrics) => {
            const database = openDatabase(settings, onError(metrics));
            return observed(database, metrics);
          },
        },
        {
          provide: ControlDatabase,
          inject: [ProcessMetrics],
          useFactory: (metrics: ProcessMetrics) => {
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
