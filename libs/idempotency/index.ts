export type { CachedResponse } from './cached-response';
export { type Claim, ClaimStore } from './claim.store';
export { type IdempotencyId, parseIdempotencyKey } from './idempotency-key';
export {
  type Write,
  IdempotencyService,
  type IdempotentRequest,
  type LedgerKey,
  type WriteResponse,
} from './idempotency.service';
export { IdempotencyModule } from './idempotency.module';
export { STALE_SECONDS } from './ledger.repository';
export { ReceiptRepository } from './receipt.repository';
export { type Receipt, ReceiptService, RECEIPT_STATES } from './receipt.service';
export { RetentionMetrics } from './retention.metrics';
export { RetentionModule } from './retention.module';
export { RetentionRepository } from './retention.repository';
export { type RetentionRun, RetentionService } from './retention.service';
export { SingleWriteLedger } from './single-write.ledger';
