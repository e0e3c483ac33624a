import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Settings } from '#libs/config';
import { type Database, openDatabase, pendingMigrations, readMigrations } from '#libs/database';
import { Redis, type RedisHealth } from '#libs/redis';
import { Metrics } from '#libs/telemetry';
import { Lifecycle } from '../http/lifecycle';

/** A database that takes longer than this to answer nothing at all is as good as away. */
const PATIENCE_MS = 1_000;

/** `degraded`: every call is answered, some of them slower. `unavailable`: send requests elsewhere. */
export type HealthStatus = 'ok' | 'degraded' | 'unavailable';

export interface Health {
  status: HealthStatus;
  checks: {
    postgres: 'up' | 'down';
    /** `unknown` while Postgres is away. */
    migrations: 'current' | 'pending' | 'unknown';
    redis: RedisHealth;
    draining: boolean;
  };
}

type DatabaseChecks = Pick<Health['checks'], 'postgres' | 'migrations'>;

/** Whether this process should get requests. */
@Injectable()
export class HealthService implements OnApplicationShutdown {
  private readonly logger = new Logger(HealthService.name);
  // A connection of its own: where the pool is busy, Postgres answers all the same, and to leave a replica out because it
  // has much to do would give the others more.
  private readonly database: Database;
  private readonly migrations = readMigrations();
  private check: Promise<DatabaseChecks> | undefined;
  private last: HealthStatus = 'ok';

  constructor(
    settings: Settings,
    private readonly redis: Redis,
    private readonly lifecycle: Lifecycle,
    metrics: Metrics,
  ) {
    this.database = openDatabase({
      databaseUrl: settings.databaseUrl,
      databasePoolSize: 1,
      requestTimeoutMs: PATIENCE_MS,
    });
    metrics.observeReadiness(async () => (await this.ready()).status !== 'unavailable');
  }

  onApplicationShutdown(): Promise<void> {
    return this.database.close();
  }

  async ready(): Promise<Health> {
    const checks = {
      ...(await this.databaseChecks()),
      redis: this.redis.health(),
      draining: this.lifecycle.draining,
    };
    const health: Health = { status: statusOf(checks), checks };
    this.logChange(health);
    return health;
  }

  /** Probes that come at the same time share one look at the database. */
  private databaseChecks(): Promise<DatabaseChecks> {
    this.check ??= this.askDatabase().finally(() => {
      this.check = undefined;
    });
    return this.check;
  }

  private async askDatabase(): Promise<DatabaseChecks> {
    try {
      const pending = await pendingMigrations(this.database, { timeoutMs: PATIENCE_MS }, this.migrations);
      return { postgres: 'up', migrations: pending.length === 0 ? 'current' : 'pending' };
    } catch (error) {
      this.logger.debug(error);
      return { postgres: 'down', migrations: 'unknown' };
    }
  }

  private logChange({ status, checks }: Health): void {
    if (status === this.last) return;
    this.last = status;
    const line = { message: `readiness: ${status}`, ...checks };
    if (status === 'unavailable') this.logger.warn(line);
    else this.logger.log(line);
  }
}

function statusOf({ postgres, migrations, redis, draining }: Health['checks']): HealthStatus {
  if (postgres === 'down' || migrations !== 'current' || draining) return 'unavailable';
  return redis === 'down' ? 'degraded' : 'ok';
}
