export type { Answer } from './answer';
export { type Claim, ClaimStore } from './claim.store';
export type { IdempotencyId } from './idempotency-id';
export type { IdempotentCall } from './idempotency.interceptor';
export { IdempotencyModule } from './idempotency.module';
export { Idempotency, Idempotent } from './idempotent.decorator';
export type { KeptAnswer } from './kept-answer';
export { LedgerLookup, STALE_SECONDS } from './ledger.repository';
