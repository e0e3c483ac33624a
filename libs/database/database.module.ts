import { type DynamicModule, Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import { Database } from './database';
import { type DatabaseErrorKind, DatabaseMetrics } from './database.metrics';

type OnDatabaseError = (kind: DatabaseErrorKind) => void;
type DatabaseSettings = Pick<Settings, 'databaseUrl' | 'databasePoolSize' | 'requestTimeoutMs'>;

/** Enough for statements of a fraction of a millisecond whose results are cached. */
const CONTROL_POOL_SIZE = 2;

/**
 * The pool of the control plane: API keys, property definitions and readiness. Batches and reads of records never use it, so
 * however busy they keep their own pool, a gateway still authenticates callers and answers probes.
 */
export class ControlDatabase extends Database {}

/** Opens the pool that the settings describe. Connects at first use, so it succeeds with Postgres down. */
export function openDatabase(settings: DatabaseSettings, onError?: OnDatabaseError): Database {
  return new Database(optionsOf(settings, settings.databasePoolSize), onError);
}

function optionsOf(settings: DatabaseSettings, poolSize: number): ConstructorParameters<typeof Database>[0] {
  return { url: settings.databaseUrl, poolSize, statementTimeoutMs: settings.requestTimeoutMs };
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

/** Provides `Database`, the pool of the data plane, and `ControlDatabase`. */
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
            metrics.observePool('data', () => database.use());
            return database;
          },
        },
        {
          provide: ControlDatabase,
          inject: [DatabaseMetrics],
          useFactory: (metrics: DatabaseMetrics) => {
            const database = new ControlDatabase(optionsOf(settings, CONTROL_POOL_SIZE), onError(metrics));
            metrics.observePool('control', () => database.use());
            return database;
          },
        },
        DatabaseLifetime,
      ],
      exports: [Database, ControlDatabase],
    };
  }
}
