import { Module } from '@nestjs/common';
import { RetentionMetrics } from './retention.metrics';
import { RetentionRepository } from './retention.repository';
import { RetentionService } from './retention.service';

/** Retention of the ledger, for a worker. Requires the global `DatabaseModule` and `TelemetryModule`. */
@Module({ providers: [RetentionMetrics, RetentionRepository, RetentionService], exports: [RetentionService] })
export class RetentionModule {}
