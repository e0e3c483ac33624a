import { type DynamicModule, Global, Inject, Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import { ProcessMetrics } from '#libs/telemetry';
import { Database } from './database';

/** Opens the pool that the settings describe. Connects at first use, so it succeeds with Postgres down. */
export function openDatabase(
  settings: Pick<Settings, 'databaseUrl' | 'databasePoolSize' | 'requestTimeoutMs'>,
  onError?: (kind: 'connection' | 'timeout' | 'call') => void,
): Database {
  return new Database(
    {
      url: settings.databaseUrl,
      poolSize: settings.databasePoolSize,
      statementTimeoutMs: settings.requestTimeoutMs,
    },
    onError,
  );
}

@Injectable()
class DatabaseLifetime implements OnApplicationShutdown {
  constructor(@Inject(Database) private readonly database: Database) {}

  onApplicationShutdown(): Promise<void> {
    return this.database.close();
  }
}

@Global()
@Module({})
export class DatabaseModule {
  static of(settings: Settings): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        {
          provide: Database,
          inject: [ProcessMetrics],
          useFactory: (metrics: ProcessMetrics) => {
            const database = openDatabase(settings, (kind) => {
              metrics.countDatabaseError(kind);
            });
            metrics.observePool(() => database.use());
            return database;
          },
        },
        DatabaseLifetime,
      ],
      exports: [Database],
    };
  }
}
