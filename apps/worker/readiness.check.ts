import { Injectable } from '@nestjs/common';
import { Database, describeConnectionFailure, pendingMigrations, readSchemaFiles } from '#libs/database';
import type { Readiness } from '#libs/program';
import { ProcessMetrics } from '#libs/telemetry';
import { RetentionLoop } from './retention.loop';

/** A database that takes longer than this for a trivial query counts as down. */
const DATABASE_TIMEOUT_MS = 1_000;

/** Readiness of a worker: Postgres responds, every migration is applied, and the process is not stopping. */
@Injectable()
export class ReadinessCheck {
  private readonly schema = readSchemaFiles();

  constructor(
    private readonly database: Database,
    private readonly loop: RetentionLoop,
    metrics: ProcessMetrics,
  ) {
    metrics.observeReadiness(async () => (await this.ready()).status === 'ok');
  }

  async ready(): Promise<Readiness> {
    const { reason, ...database } = await this.checkDatabase();
    const checks = { ...database, draining: this.loop.stopping };
    const ready = checks.migrations === 'current' && !checks.draining;
    return { status: ready ? 'ok' : 'unavailable', checks, ...(reason !== undefined && { reason }) };
  }

  private async checkDatabase(): Promise<{
    postgres: 'up' | 'down';
    migrations: 'current' | 'pending' | 'unknown';
    reason?: string;
  }> {
    try {
      const pending = await pendingMigrations(this.database, { timeoutMs: DATABASE_TIMEOUT_MS }, this.schema);
      return { postgres: 'up', migrations: pending.length === 0 ? 'current' : 'pending' };
    } catch (error) {
      return { postgres: 'down', migrations: 'unknown', reason: describeConnectionFailure(error) };
    }
  }
}
