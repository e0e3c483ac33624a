import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { ClaimStore } from './claim.store';
import { IdempotencyService } from './idempotency.service';
import { LedgerLookup, LedgerRepository } from './ledger.repository';

/** What `@Idempotent()` needs. Imported by every module with such a handler. Needs the global `DatabaseModule`. */
@Module({
  imports: [RedisModule],
  providers: [ClaimStore, IdempotencyService, { provide: LedgerLookup, useClass: LedgerRepository }],
  exports: [IdempotencyService],
})
export class IdempotencyModule {}
