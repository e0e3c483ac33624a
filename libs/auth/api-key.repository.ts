import { type ConnectionPool, ControlDatabase, statement } from '#libs/database';
import type { Rates } from '#libs/limits';
import { Inject, Injectable } from '@nestjs/common';
import { type LimitColumns, ratesOf } from './limit.columns';
import { isScope, type Scope } from './scope';

/** A key's row as authentication needs it. */
export interface StoredApiKey {
  readonly keyId: string;
  /** SHA-256 of the whole key. */
  readonly hash: Buffer;
  readonly teamId: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  /** Those of its client. */
  readonly limits: Rates;
}

/** A key as it is shown to people: without anything that proves it. */
export interface ListedApiKey {
  readonly keyId: string;
  readonly clientName: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

interface InsertedApiKey {
  readonly id: string;
  readonly keyId: string;
  readonly hash: Buffer;
}

interface ListedRow {
  key_id: string;
  client_name: string;
  scopes: string[];
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

interface StoredRow extends Omit<ListedRow, 'created_at'>, LimitColumns {
  secret_hash: Buffer;
  team_id: string;
  client_id: string;
}

const FIND_BY_KEY_ID = statement(__dirname, 'find_api_key');
const INSERT = statement(__dirname, 'insert_api_key');
const LIST = statement(__dirname, 'list_api_keys');
const ROTATE = statement(__dirname, 'rotate_api_key');
const REVOKE = statement(__dirname, 'revoke_api_key');

/** The rows of `api_keys`. Throws `DatabaseUnavailable` when Postgres is away. */
@Injectable()
export class ApiKeyRepository {
  constructor(@Inject(ControlDatabase) private readonly database: ConnectionPool) {}

  /**
   * The key of this id, whichever team it is of, also when it is revoked or expired.
   * @throws DatabaseUnavailable also when it takes longer than `timeoutMs`
   */
  async findByKeyId(keyId: string, timeoutMs: number): Promise<StoredApiKey | undefined> {
    const { rows } = await this.database.query<StoredRow>(FIND_BY_KEY_ID, [keyId], { timeoutMs });
    return rows.map(toStoredApiKey)[0];
  }

  async insert(
    teamId: string,
    clientId: string,
    key: InsertedApiKey,
    scopes: readonly Scope[],
    expiresAt: Date | undefined,
  ): Promise<void> {
    await this.database.query(INSERT, [teamId, key.id, clientId, key.keyId, key.hash, scopes, expiresAt ?? null]);
  }

  /** The team's keys, by client and age; only those of a client or a key id if one is given. */
  async list(teamId: string, only: { clientName?: string; keyId?: string } = {}): Promise<ListedApiKey[]> {
    const values = [teamId, only.clientName ?? null, only.keyId ?? null];
    const { rows } = await this.database.query<ListedRow>(LIST, values);
    return rows.map(toListedApiKey);
  }

  /**
   * Adds a key with the client, the scopes and the lifetime of a live one.
   * @param oldEndsAt when the old key expires at the latest; undefined leaves it as it is
   * @returns whether there was such a live key
   */
  async rotate(teamId: string, oldKeyId: string, key: InsertedApiKey, oldEndsAt: Date | undefined): Promise<boolean> {
    const values = [teamId, oldKeyId, key.id, key.keyId, key.hash, oldEndsAt ?? null];
    const { rowCount } = await this.database.query(ROTATE, values);
    return rowCount === 1;
  }

  /** @returns whether the team has such a key */
  async revoke(teamId: string, keyId: string): Promise<boolean> {
    const { rowCount } = await this.database.query(REVOKE, [teamId, keyId]);
    return rowCount === 1;
  }
}

function toStoredApiKey(row: StoredRow): StoredApiKey {
  return {
    keyId: row.key_id,
    hash: row.secret_hash,
    teamId: row.team_id,
    clientId: row.client_id,
    clientName: row.client_name,
    // A scope that this version does not know grants nothing in it.
    scopes: row.scopes.filter(isScope),
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    limits: ratesOf(row),
  };
}

function toListedApiKey(row: ListedRow): ListedApiKey {
  return {
    keyId: row.key_id,
    clientName: row.client_name,
    scopes: row.scopes.filter(isScope),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}
