import { type ConnectionPool, statement } from '#libs/database';
import { isScope, type Scope } from '../scope';

/** A key without its secret. */
export interface ApiKeySummary {
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

interface ApiKeyRow {
  key_id: string;
  client_name: string;
  scopes: string[];
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
}

const INSERT = statement(__dirname, 'insert_api_key');
const LIST = statement(__dirname, 'list_api_keys');
const ROTATE = statement(__dirname, 'rotate_api_key');
const REVOKE = statement(__dirname, 'revoke_api_key');

/** Creates, lists, rotates and revokes API keys. Throws `DatabaseUnavailable` if Postgres cannot be reached. */
export class ApiKeyAdminRepository {
  constructor(private readonly database: ConnectionPool) {}

  async insert(
    teamId: string,
    clientId: string,
    key: InsertedApiKey,
    scopes: readonly Scope[],
    expiresAt: Date | undefined,
  ): Promise<void> {
    await this.database.query(INSERT, [teamId, key.id, clientId, key.keyId, key.hash, scopes, expiresAt ?? null]);
  }

  /** The team's keys, by client and age; only those of the client or with the key id if one is given. */
  async list(teamId: string, filter: { clientName?: string; keyId?: string } = {}): Promise<ApiKeySummary[]> {
    const values = [teamId, filter.clientName ?? null, filter.keyId ?? null];
    const { rows } = await this.database.query<ApiKeyRow>(LIST, values);
    return rows.map(toSummary);
  }

  /**
   * Adds a key with the client, the scopes and the lifetime of a live one.
   * @param oldExpiresAt when the old key expires at the latest; undefined does not change it
   * @returns whether there is such a live key
   */
  async rotate(
    teamId: string,
    oldKeyId: string,
    key: InsertedApiKey,
    oldExpiresAt: Date | undefined,
  ): Promise<boolean> {
    const values = [teamId, oldKeyId, key.id, key.keyId, key.hash, oldExpiresAt ?? null];
    const { rowCount } = await this.database.query(ROTATE, values);
    return rowCount === 1;
  }

  /** Does nothing if the team has no such key. */
  async revoke(teamId: string, keyId: string): Promise<void> {
    await this.database.query(REVOKE, [teamId, keyId]);
  }
}

function toSummary(row: ApiKeyRow): ApiKeySummary {
  return {
    keyId: row.key_id,
    clientName: row.client_name,
    scopes: row.scopes.filter(isScope),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}
