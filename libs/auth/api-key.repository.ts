import { type ConnectionPool, ControlDatabase, statement } from '#libs/database';
import type { Rates } from '#libs/limits';
import { Inject, Injectable } from '@nestjs/common';
import { type LimitColumns, ratesOf } from './limit.columns';
import { isScope, type Scope } from './scope';

/** A key as the database stores it, with its client. */
export interface StoredApiKey {
  readonly keyId: string;
  /** SHA-256 of the API key. */
  readonly hash: Buffer;
  readonly teamId: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  /** The rate limits of its client. */
  readonly limits: Rates;
}

interface StoredRow extends LimitColumns {
  key_id: string;
  secret_hash: Buffer;
  team_id: string;
  client_id: string;
  client_name: string;
  scopes: string[];
  expires_at: Date | null;
  revoked_at: Date | null;
}

const FIND_BY_KEY_ID = statement(__dirname, 'find_api_key');

/** Reads API keys for authentication. */
@Injectable()
export class ApiKeyRepository {
  constructor(@Inject(ControlDatabase) private readonly database: ConnectionPool) {}

  /**
   * Finds a key of any team, even a revoked or expired one.
   *
   * @throws DatabaseUnavailable, including after `timeoutMs`
   */
  async findByKeyId(keyId: string, timeoutMs: number): Promise<StoredApiKey | undefined> {
    const { rows } = await this.database.query<StoredRow>(FIND_BY_KEY_ID, [keyId], { timeoutMs });
    return rows.map(toStoredApiKey)[0];
  }
}

function toStoredApiKey(row: StoredRow): StoredApiKey {
  return {
    keyId: row.key_id,
    hash: row.secret_hash,
    teamId: row.team_id,
    clientId: row.client_id,
    clientName: row.client_name,
    // A scope that this release does not know grants nothing.
    scopes: row.scopes.filter(isScope),
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    limits: ratesOf(row),
  };
}
