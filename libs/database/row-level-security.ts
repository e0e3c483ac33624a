import type { ConnectionPool } from './connection.pool';
import { MAX_SCHEMA_LOCK_WAIT_MS, retryOnLockTimeout, setLockTimeout } from './schema.lock';

/** Where row-level security was enabled or disabled. */
interface RowLevelSecurity {
  readonly tables: readonly string[];
  /** The owner of the tables, to whom policies do not apply. */
  readonly owner: string;
}

interface TableRow {
  name: string;
  owner: string;
}

const TABLES_WITH_POLICY = `
  SELECT t.oid::regclass::text AS name, t.relowner::regrole::text AS owner
    FROM pg_policy AS p
    JOIN pg_class AS t ON t.oid = p.polrelid
   WHERE p.polname = 'team_isolation' AND t.relnamespace = current_schema()::regnamespace
   ORDER BY t.relname`;

/**
 * Enables or disables row-level security on every table with data of teams (`0003_row_level_security.sql`). Safe while
 * gateways serve, and when it is repeated.
 *
 * @param database connected as the owner of the tables
 * @throws MigrationError if it does not get the lock of a table within minutes
 */
export async function setRowLevelSecurity(database: ConnectionPool, enabled: boolean): Promise<RowLevelSecurity> {
  const { rows } = await database.query<TableRow>(TABLES_WITH_POLICY);
  // A transaction for each table: holding the lock of one while waiting for the next would block every batch.
  for (const { name } of rows) {
    const change = `ALTER TABLE ${name} ${enabled ? 'ENABLE' : 'DISABLE'} ROW LEVEL SECURITY`;
    await retryOnLockTimeout(database, `row-level security of ${name}`, MAX_SCHEMA_LOCK_WAIT_MS, async (client) => {
      await setLockTimeout(client);
      await client.query(change);
    });
  }
  return { tables: rows.map(({ name }) => name), owner: rows[0]?.owner ?? '' };
}
