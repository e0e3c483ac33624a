import { Module } from '@nestjs/common';
import { RetentionMetrics } from './retention.metrics';
import { RetentionRepository } from './retention.repository';
import { RetentionService } from './retention.service';

/** What a worker needs to keep the ledger in bounds. Needs the global `DatabaseModule` and `TelemetryModule`. */
@Module({ providers: [RetentionMetrics, RetentionRepository, RetentionService], exports: [RetentionService] })
export class RetentionModule {}
