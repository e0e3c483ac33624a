import { describeConnectionFailure } from './connection.failure';
import type { ConnectionPool } from './connection.pool';
import { pendingMigrations } from './migration.runner';
import type { SchemaFiles } from './schema.files';

/** A database that takes longer than this for the smallest query counts as down. */
export const READINESS_TIMEOUT_MS = 1_000;

/** What a process needs of its database to be ready. */
export interface DatabaseChecks {
  readonly postgres: 'up' | 'down';
  /** `unknown` while Postgres is unavailable. */
  readonly migrations: 'current' | 'pending' | 'unknown';
}

/** @returns the state of the database; `failure`: why it is down, for operators */
export async function checkDatabase(
  database: ConnectionPool,
  schema: SchemaFiles,
): Promise<{ checks: DatabaseChecks; failure?: string }> {
  try {
    const pending = await pendingMigrations(database, { timeoutMs: READINESS_TIMEOUT_MS }, schema);
    return { checks: { postgres: 'up', migrations: pending.length === 0 ? 'current' : 'pending' } };
  } catch (error) {
    return { checks: { postgres: 'down', migrations: 'unknown' }, failure: describeConnectionFailure(error) };
  }
}

/** Why a process is not ready, for operators. @param failure why Postgres is down */
export function unreadinessReason(checks: DatabaseChecks & { readonly draining: boolean }, failure = ''): string {
  if (checks.draining) return 'This process is stopping.';
  if (checks.postgres === 'down') return `Postgres is not available: ${failure}.`;
  return 'The database has pending migrations: run `npm run migrate`.';
}
