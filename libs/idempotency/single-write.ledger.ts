import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { type DatabaseClient, SQL_STATES, sqlStateOf, statement } from '#libs/database';
import { RequestError } from '#libs/errors';
import type { LedgerKey } from './idempotency.service';
import { STALE_SECONDS } from './ledger.repository';

/** The outcome of an earlier attempt at a request. */
interface StoredOutcome {
  /** The response entry, as JSON text. */
  readonly entry: string;
  /** The request id of the attempt that executed it. */
  readonly completedBy: string;
}

type ClaimState = 'new' | 'resume' | 'complete' | 'mismatch' | 'stale';

const CLAIM_REQUEST = statement(__dirname, 'claim_request');
const FIND_STORED_OUTCOME = statement(__dirname, 'find_stored_outcome');
const COMPLETE_REQUEST = statement(__dirname, 'complete_request');

/**
 * The ledger of a write that is one transaction and does not go through `apply_batch`. Both methods run in that transaction,
 * with `prism.team` set, so the change and its outcome are stored together or not at all.
 */
@Injectable()
export class SingleWriteLedger {
  constructor(@Inject(Settings) private readonly settings: Settings) {}

  /**
   * @returns the stored outcome, so that nothing is to be executed; undefined for the first attempt
   * @throws RequestError `idempotency_key_mismatch`, `idempotency_key_stale`, or `idempotency_key_in_use` if another attempt
   *   runs longer than the lock timeout. The transaction is then to be rolled back
   */
  async claim(client: DatabaseClient, teamId: string, key: LedgerKey): Promise<StoredOutcome | undefined> {
    const state = await this.tryClaim(client, teamId, key);
    if (state === 'mismatch') throw new RequestError('idempotency_key_mismatch');
    if (state === 'stale') throw new RequestError('idempotency_key_stale');
    if (state !== 'complete') return undefined;
    const { rows } = await client.query<{ entry: string; completed_by: string }>(
      FIND_STORED_OUTCOME,
      idOf(teamId, key),
    );
    if (rows[0] === undefined) throw new Error('the ledger has no outcome of a complete request');
    return { entry: rows[0].entry, completedBy: rows[0].completed_by };
  }

  /** @param code the item error code; undefined for success */
  async complete(
    client: DatabaseClient,
    teamId: string,
    key: LedgerKey,
    outcome: { readonly entry: string; readonly code: string | undefined },
  ): Promise<void> {
    await client.query(COMPLETE_REQUEST, [...idOf(teamId, key), key.requestId, outcome.entry, outcome.code ?? null]);
  }

  private async tryClaim(client: DatabaseClient, teamId: string, key: LedgerKey): Promise<ClaimState | undefined> {
    const values = [...idOf(teamId, key), key.fingerprint, this.settings.idempotencyTtlSeconds, STALE_SECONDS];
    try {
      return (await client.query<{ state: ClaimState }>(CLAIM_REQUEST, values)).rows[0]?.state;
    } catch (error) {
      if (sqlStateOf(error) !== SQL_STATES.lockNotAvailable) throw error;
      throw new RequestError('idempotency_key_in_use', undefined, { retryAfterSeconds: 1, cause: error });
    }
  }
}

function idOf(teamId: string, { clientId, keyHash }: LedgerKey): unknown[] {
  return [teamId, clientId, keyHash];
}
