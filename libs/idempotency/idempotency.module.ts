import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { ClaimStore } from './claim.store';
import { IdempotencyMetrics } from './idempotency.metrics';
import { IdempotencyService } from './idempotency.service';
import { LedgerLookup, LedgerRepository } from './ledger.repository';

/** Provides {@link IdempotencyService} to modules with handlers that write. Needs the global `DatabaseModule`. */
@Module({
  imports: [RedisModule],
  providers: [
    ClaimStore,
    IdempotencyMetrics,
    IdempotencyService,
    { provide: LedgerLookup, useClass: LedgerRepository },
  ],
  exports: [IdempotencyService],
})
export class IdempotencyModule {}
