import { setTimeout as sleep } from 'node:timers/promises';
import type { Database, DatabaseClient } from './database';
import { DatabaseUnavailable, isTransientError } from './database.errors';
import { MigrationError } from './migration.error';

/**
 * How long a statement that changes a table waits for its lock. While it waits, every batch on that table waits behind it:
 * so not long, and far less than `LOCK_TIMEOUT_MS`, after which their items would be `locked`.
 */
const LOCK_WAIT_MS = 200;
/** How long batches have the tables to themselves before the next try. */
const REST_MS = 1_000;
/** After this it is for an operator to end what is in the way. */
export const MAX_WAIT_MS = 300_000;

/** From here on, statements of this transaction give up soon where a lock is not to be had. */
export async function setLockTimeout(client: DatabaseClient): Promise<void> {
  await client.query(`SET LOCAL lock_timeout = ${LOCK_WAIT_MS}`);
}

/**
 * Runs a change in a transaction, and where it does not get its locks, lets the batches pass and tries again.
 *
 * @param what begins the sentence that says it did not get them
 * @throws MigrationError after `patienceMs`
 */
export async function retryOnLockTimeout<T>(
  database: Database,
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
      if (performance.now() > until) throw lockedOut(what, maxWaitMs, error);
    }
    await sleep(REST_MS);
  }
}

function lockedOut(what: string, maxWaitMs: number, cause: Error): MigrationError {
  return new MigrationError(
    `${what} did not get its locks within ${maxWaitMs / 1_000} s, so nothing of it was applied: end what holds ` +
      `its tables for long (a backup, a long transaction: see pg_stat_activity and pg_locks), and try again`,
    { cause },
  );
}
