import type { Database } from './database';
import { MAX_WAIT_MS, retryOnLockTimeout, setLockTimeout } from './lock.retry';

/** What `wall` did: the tables that it is on, or off, for now. */
export interface RowLevelSecurity {
  readonly tables: readonly string[];
  /** Their owner, for whom it never stands. */
  readonly owner: string;
}

interface TableRow {
  name: string;
  owner: string;
}

const TABLES = `
  SELECT t.oid::regclass::text AS name, t.relowner::regrole::text AS owner
    FROM pg_policy AS p
    JOIN pg_class AS t ON t.oid = p.polrelid
   WHERE p.polname = 'team_wall' AND t.relnamespace = current_schema()::regnamespace
   ORDER BY t.relname`;

/**
 * Puts up the second wall behind `team_id` (see `0007_team_wall.sql`), or takes it down: row-level security on every table
 * that holds something of a team. Harmless while gateways serve, and when it is done again.
 *
 * @param database to which the tables' owner is connected
 * @throws MigrationError if something holds a table for minutes
 */
export async function setRowLevelSecurity(database: Database, on: boolean): Promise<RowLevelSecurity> {
  const { rows } = await database.query<TableRow>(TABLES);
  // One after the other: to hold one table while waiting for the next would hold up every batch.
  for (const { name } of rows) {
    const change = `ALTER TABLE ${name} ${on ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`;
    await retryOnLockTimeout(database, `the wall of ${name}`, MAX_WAIT_MS, async (client) => {
      await setLockTimeout(client);
      await client.query(change);
    });
  }
  return { tables: rows.map(({ name }) => name), owner: rows[0]?.owner ?? '' };
}
