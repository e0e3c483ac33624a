import { Injectable, Logger } from '@nestjs/common';
import { Database, pendingMigrations, readMigrations } from '#libs/database';
import { type Readiness, WorkerMetrics } from '#libs/telemetry';
import { RetentionLoop } from './retention.loop';

/** A database that takes longer than this to answer nothing at all is as good as away. */
const PATIENCE_MS = 1_000;

/** Whether this worker can do its work: Postgres answers, has every migration, and the process is not stopping. */
@Injectable()
export class ReadinessCheck {
  private readonly logger = new Logger(ReadinessCheck.name);
  private readonly migrations = readMigrations();

  constructor(
    private readonly database: Database,
    private readonly loop: RetentionLoop,
    metrics: WorkerMetrics,
  ) {
    metrics.observeReadiness(async () => (await this.ready()).status === 'ok');
  }

  async ready(): Promise<Readiness> {
    const checks = { ...(await this.askDatabase()), draining: this.loop.stopping };
    const able = checks.migrations === 'current' && !checks.draining;
    return { status: able ? 'ok' : 'unavailable', checks };
  }

  private async askDatabase(): Promise<{ postgres: 'up' | 'down'; migrations: 'current' | 'pending' | 'unknown' }> {
    try {
      const pending = await pendingMigrations(this.database, { timeoutMs: PATIENCE_MS }, this.migrations);
      return { postgres: 'up', migrations: pending.length === 0 ? 'current' : 'pending' };
    } catch (error) {
      this.logger.debug(error);
      return { postgres: 'down', migrations: 'unknown' };
    }
  }
}
