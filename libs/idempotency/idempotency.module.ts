import { Module } from '@nestjs/common';
import { RedisModule } from '#libs/redis';
import { AnswerSender } from './answer.sender';
import { ClaimStore } from './claim.store';
import { IdempotencyService } from './idempotency.service';
import { LedgerLookup, LedgerRepository } from './ledger.repository';

/** Provides `AnswerSender` to every module with a handler that writes. Needs the global `DatabaseModule`. */
@Module({
  imports: [RedisModule],
  providers: [AnswerSender, ClaimStore, IdempotencyService, { provide: LedgerLookup, useClass: LedgerRepository }],
  exports: [AnswerSender],
})
export class IdempotencyModule {}
