import { Injectable } from '@nestjs/common';
import { checkDatabase, Database, readSchemaFiles, unreadinessReason } from '#libs/database';
import type { Readiness } from '#libs/program';
import { ProcessMetrics } from '#libs/telemetry';
import { RetentionLoop } from './retention.loop';

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
    const { checks: database, failure } = await checkDatabase(this.database, this.schema);
    const checks = { ...database, draining: this.loop.stopping };
    if (checks.migrations === 'current' && !checks.draining) return { status: 'ok', checks };
    return { status: 'unavailable', checks, reason: unreadinessReason(checks, failure) };
  }
}
