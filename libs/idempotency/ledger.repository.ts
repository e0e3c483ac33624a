import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Database, statement, type CheckoutOptions } from '#libs/database';
import type { IdempotencyId } from './idempotency-key';

/** How long an expired key is rejected before it can be used as a new one. */
export const STALE_SECONDS = 7 * 86_400;

/**
 * - `complete`: the ledger has every outcome of this request
 * - `stale`: the key is expired, and cannot be used as a new one yet
 * - `missing`: otherwise, for example after the database was restored to an earlier time
 */
type LedgerState = 'complete' | 'stale' | 'missing';

const FIND_REQUEST_STATE = statement(__dirname, 'find_request_state');

/** Reads whether a request is complete. Only Postgres can confirm it. */
@Injectable()
export class LedgerRepository {
  constructor(
    private readonly database: Database,
    private readonly settings: Settings,
  ) {}

  /** @throws DatabaseUnavailable if Postgres does not respond in time */
  async stateOf(id: IdempotencyId, fingerprint: Buffer, options: CheckoutOptions): Promise<LedgerState> {
    const { rows } = await this.database.query<{ state: LedgerState }>(
      FIND_REQUEST_STATE,
      [id.teamId, id.clientId, id.keyHash, fingerprint, this.settings.idempotencyTtlSeconds, STALE_SECONDS],
      { ...options, teamId: id.teamId },
    );
    return rows[0]?.state ?? 'missing';
  }
}
