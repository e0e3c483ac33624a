import { Inject, Injectable } from '@nestjs/common';
import type { CheckoutOptions } from '#libs/database';
import { ClaimStore } from './claim.store';
import { decodeKey, hashKey, type IdempotencyId } from './idempotency-key';
import { ReceiptRepository, type StoredRequest } from './receipt.repository';

export const RECEIPT_STATES = ['complete', 'in_progress', 'interrupted'] as const;

/**
 * - `complete`: every item has its outcome
 * - `in_progress`: an attempt is running
 * - `interrupted`: neither; a retry continues
 */
export type ReceiptState = (typeof RECEIPT_STATES)[number];

/** The state and the outcomes of the request of a key. */
export interface Receipt extends StoredRequest {
  readonly state: ReceiptState;
}

/** Finds the outcome of a request whose response the client did not receive. */
@Injectable()
export class ReceiptService {
  constructor(
    @Inject(ReceiptRepository) private readonly ledger: ReceiptRepository,
    @Inject(ClaimStore) private readonly claims: ClaimStore,
  ) {}

  /**
   * The receipt of a key; undefined if the ledger does not know the key, or its lifetime has ended.
   *
   * @param key as in the path, in the form of the `Idempotency-Key` header
   * @throws RequestError `invalid_request` for a malformed key
   * @throws DatabaseUnavailable if Postgres does not respond in time
   */
  async find(
    { teamId, clientId }: Pick<IdempotencyId, 'teamId' | 'clientId'>,
    key: string,
    options: CheckoutOptions,
  ): Promise<Receipt | undefined> {
    const id = { teamId, clientId, keyHash: hashKey(decodeKey(key, '.path.key')) };
    const request = await this.ledger.find(id, options);
    if (request === undefined || request.complete) return request && receiptOf(request, false);
    const claimed = await this.claims.isClaimed(id, options.span);
    if (claimed !== false) return receiptOf(request, claimed ?? request.recent);
    // The attempt may have ended between the two lookups. It stored its outcomes before it released the claim.
    const now = await this.ledger.find(id, options);
    return now && receiptOf(now, false);
  }
}

function receiptOf(request: StoredRequest, running: boolean): Receipt {
  return { ...request, state: request.complete ? 'complete' : running ? 'in_progress' : 'interrupted' };
}
