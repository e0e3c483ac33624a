import { Inject, Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { type CheckoutOptions, Database, statement } from '#libs/database';
import type { IdempotencyId } from './idempotency-key';

/** A request as the ledger stores it. */
export interface StoredRequest {
  /** Every item has its outcome. */
  readonly complete: boolean;
  /** The first attempt began less than `REQUEST_TIMEOUT_MS` ago. */
  readonly recent: boolean;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Elements of a JSON array: the response entry of each item, or null. */
  readonly results: string;
}

interface ReceiptRow {
  complete: boolean;
  recent: boolean;
  created_at: Date;
  expires_at: Date;
  total: number;
  succeeded: number;
  failed: number;
  results: string;
}

const FIND_RECEIPT = statement(__dirname, 'find_receipt');

/** Reads a request and its outcomes from the ledger, in one snapshot. */
@Injectable()
export class ReceiptRepository {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(Settings) private readonly settings: Settings,
  ) {}

  /**
   * The request of a key in its lifetime, or undefined.
   *
   * @throws DatabaseUnavailable if Postgres does not respond in time
   */
  async find(id: IdempotencyId, options: CheckoutOptions): Promise<StoredRequest | undefined> {
    const { idempotencyTtlSeconds, requestTimeoutMs } = this.settings;
    const { rows } = await this.database.query<ReceiptRow>(
      FIND_RECEIPT,
      [id.teamId, id.clientId, id.keyHash, idempotencyTtlSeconds, requestTimeoutMs / 1_000],
      { ...options, teamId: id.teamId },
    );
    if (rows[0] === undefined) return undefined;
    const { complete, recent, created_at, expires_at, total, succeeded, failed, results } = rows[0];
    return { complete, recent, createdAt: created_at, expiresAt: expires_at, total, succeeded, failed, results };
  }
}
