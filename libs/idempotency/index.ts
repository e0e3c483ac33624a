export type { Answer } from './answer';
export { type Claim, ClaimStore } from './claim.store';
export type { IdempotencyId } from './idempotency-id';
export type { IdempotentCall } from './idempotency.interceptor';
export { IdempotencyModule } from './idempotency.module';
export { Idempotent } from './idempotent.decorator';
export type { KeptAnswer } from './kept-answer';
