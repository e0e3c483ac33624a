import { Injectable, Logger } from '@nestjs/common';
import { ControlDatabase, pendingMigrations, readSchemaFiles } from '#libs/database';
import { Redis, type RedisHealth } from '#libs/redis';
import { ProcessMetrics } from '#libs/telemetry';
import { Lifecycle } from '../http/lifecycle';

/** A database that takes longer than this for the smallest query counts as down. */
const MAX_WAIT_MS = 1_000;

/** `degraded`: every request is served, some more slowly. `unavailable`: send requests elsewhere. */
export type HealthStatus = 'ok' | 'degraded' | 'unavailable';

export interface Health {
  status: HealthStatus;
  checks: {
    postgres: 'up' | 'down';
    /** `unknown` while Postgres is unavailable. */
    migrations: 'current' | 'pending' | 'unknown';
    redis: RedisHealth;
    draining: boolean;
  };
}

type DatabaseChecks = Pick<Health['checks'], 'postgres' | 'migrations'>;

/** Determines whether this process should receive requests. */
@Injectable()
export class HealthService {
  private readonly logger = new Logger(HealthService.name);
  private readonly schema = readSchemaFiles();
  private check: Promise<DatabaseChecks> | undefined;
  private last: HealthStatus = 'ok';

  constructor(
    private readonly database: ControlDatabase,
    private readonly redis: Redis,
    private readonly lifecycle: Lifecycle,
    metrics: ProcessMetrics,
  ) {
    metrics.observeReadiness(async () => (await this.ready()).status !== 'unavailable');
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

  /** Concurrent probes share one query. */
  private databaseChecks(): Promise<DatabaseChecks> {
    this.check ??= this.queryDatabase().finally(() => {
      this.check = undefined;
    });
    return this.check;
  }

  private async queryDatabase(): Promise<DatabaseChecks> {
    try {
      const pending = await pendingMigrations(this.database, { timeoutMs: MAX_WAIT_MS }, this.schema);
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
