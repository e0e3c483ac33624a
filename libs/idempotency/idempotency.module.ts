import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { ClaimStore } from './claim.store';
import { IdempotencyMetrics } from './idempotency.metrics';
import { IdempotencyService } from './idempotency.service';
import { IdempotentResponder } from './idempotent.responder';
import { LedgerLookup, LedgerRepository } from './ledger.repository';

/** Provides `IdempotentResponder` to every module with a handler that writes. Needs the global `DatabaseModule`. */
@Module({
  imports: [RedisModule],
  providers: [
    IdempotentResponder,
    ClaimStore,
    IdempotencyMetrics,
    IdempotencyService,
    { provide: LedgerLookup, useClass: LedgerRepository },
  ],
  exports: [IdempotentResponder],
})
export class IdempotencyModule {}
