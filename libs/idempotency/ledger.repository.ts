import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Database, statement, type CheckoutOptions } from '#libs/database';
import type { IdempotencyId } from './idempotency-key';

/** How long a key whose lifetime is over is rejected rather than new again. */
export const STALE_SECONDS = 7 * 86_400;

/**
 * - `complete`: the ledger holds every outcome of this very request
 * - `stale`: the key's lifetime is over, and it may not be used again yet
 * - `missing`: anything else, also after the database was restored to an earlier time
 */
type LedgerState = 'complete' | 'stale' | 'missing';

/** The proof that a request was completed, which nothing outside of Postgres can give. */
export abstract class LedgerLookup {
  /**
   * @throws {DatabaseUnavailable} if Postgres does not respond in time: then nothing is proven
   */
  abstract stateOf(id: IdempotencyId, fingerprint: Buffer, options: CheckoutOptions): Promise<LedgerState>;
}

const FIND_REQUEST_STATE = statement(__dirname, 'find_request_state');

/** Reads `idempotency_requests`: one look-up by primary key. */
@Injectable()
export class LedgerRepository extends LedgerLookup {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {
    super();
  }

  override async stateOf(id: IdempotencyId, fingerprint: Buffer, options: CheckoutOptions): Promise<LedgerState> {
    const { rows } = await this.database.query<{ state: LedgerState }>(
      FIND_REQUEST_STATE,
      [id.teamId, id.clientId, id.keyHash, fingerprint, this.settings.idempotencyTtlSeconds, STALE_SECONDS],
      options,
    );
    return rows[0]?.state ?? 'missing';
  }
}
