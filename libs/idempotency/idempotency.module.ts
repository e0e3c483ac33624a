import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { ClaimStore } from './claim.store';
import { IdempotencyMetrics } from './idempotency.metrics';
import { IdempotencyService } from './idempotency.service';
import { LedgerRepository } from './ledger.repository';
import { ReceiptRepository } from './receipt.repository';
import { ReceiptService } from './receipt.service';
import { SingleWriteLedger } from './single-write.ledger';

/**
 * Provides {@link IdempotencyService} to modules with handlers that write, and {@link ReceiptService}. Requires the
 * global `DatabaseModule`.
 */
@Module({
  imports: [RedisModule],
  providers: [
    ClaimStore,
    IdempotencyMetrics,
    IdempotencyService,
    LedgerRepository,
    ReceiptRepository,
    ReceiptService,
    SingleWriteLedger,
  ],
  exports: [IdempotencyService, ReceiptService, SingleWriteLedger],
})
export class IdempotencyModule {}
