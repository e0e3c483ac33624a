import { Module } from '@nestjs/common';
import { RetentionRepository } from './retention.repository';
import { RetentionService } from './retention.service';

/** What a worker needs to keep the ledger in bounds. Needs the global `DatabaseModule` and `WorkerTelemetryModule`. */
@Module({ providers: [RetentionRepository, RetentionService], exports: [RetentionService] })
export class RetentionModule {}
