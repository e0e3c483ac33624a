import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionPool } from './connection.pool';
import type { DatabaseClient } from './database.client';
import { DatabaseUnavailable, isTransientError } from './database.errors';
import { MigrationError } from './migration.error';

/**
 * `lock_timeout` of a schema change. While the change waits for its lock on a table, every batch on that table queues behind
 * it. Far below `LOCK_TIMEOUT_MS`, so the items of those batches do not become `locked`.
 */
const SCHEMA_LOCK_TIMEOUT_MS = 200;
/** Pause between two attempts, in which queued batches run. */
const RETRY_DELAY_MS = 1_000;
/** After this time an operator has to end the conflicting work. */
export const MAX_SCHEMA_LOCK_WAIT_MS = 300_000;

/** One program at a time changes the schema or its privileges. */
const SCHEMA_LOCK_KEY = "hashtext('schema_migrations')";

/** Keeps other schema changes out until the end of the transaction. */
export async function lockSchema(client: DatabaseClient): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${SCHEMA_LOCK_KEY})`);
}

/**
 * Like {@link lockSchema}, for a change in several transactions. If the change throws, the pool closes the connection, which ends the
 * lock.
 */
export async function withSchemaLock<T>(client: DatabaseClient, change: () => Promise<T>): Promise<T> {
  await client.query(`SELECT pg_advisory_lock(${SCHEMA_LOCK_KEY})`);
  const result = await change();
  await client.query(`SELECT pg_advisory_unlock(${SCHEMA_LOCK_KEY})`);
  return result;
}

/** Limits how long the further statements of this transaction wait for locks. */
export async function setLockTimeout(client: DatabaseClient): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${SCHEMA_LOCK_TIMEOUT_MS}`);
}

/**
 * Runs a schema change in a transaction, and again after a pause while it does not get its locks.
 *
 * @param what the subject of the error message
 * @throws MigrationError after `maxWaitMs`
 */
export async function retryOnLockTimeout<T>(
  database: ConnectionPool,
  what: string,
  maxWaitMs: number,
  change: (client: DatabaseClient) => Promise<T>,
): Promise<T> {
  const until = performance.now() + maxWaitMs;
  for (;;) {
    try {
      return await database.transaction(change);
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable) || !isTransientError(error.cause)) throw error;
      if (performance.now() > until) throw lockTimeoutError(what, maxWaitMs, error);
    }
    await sleep(RETRY_DELAY_MS);
  }
}

function lockTimeoutError(what: string, maxWaitMs: number, cause: Error): MigrationError {
  return new MigrationError(
    `${what} did not get its locks within ${maxWaitMs / 1_000} s, so nothing of it was applied: end the sessions that hold ` +
      `its tables for long (a backup, a long transaction: see pg_stat_activity and pg_locks), and try again`,
    { cause },
  );
}
