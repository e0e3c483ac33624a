import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Database, type DatabaseClient } from './database';
import { sqlState, sqlStateOf } from './database.errors';
import { MigrationError } from './migration.error';
import { MAX_WAIT_MS, retryOnLockTimeout, setLockTimeout } from './lock.retry';

/** One numbered file of SQL that brings the schema one step further. */
export interface Migration {
  /** The file's name without its ending, such as `0001_tables`: the order is the names' order. */
  name: string;
  sql: string;
  /** SHA-256 of the SQL, hex: a file that was edited after it was applied is refused. */
  checksum: string;
}

const folder = join(__dirname, 'migrations');

const createTable = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  )`;

/** The migrations that this program was built with, in order. */
export function readMigrations(from: string = folder): Migration[] {
  return readdirSync(from)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const sql = readFileSync(join(from, file), 'utf8');
      return { name: file.slice(0, -'.sql'.length), sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * Brings the schema up to date. Each migration is one transaction that first inserts its own row: of two programs that
 * start at once, the second waits there, and then finds it done. Harmless while gateways serve: a migration that does not
 * get its locks at once lets the batches pass and tries again.
 *
 * On a database that is ahead, since a newer version has migrated it, nothing is done: so a rollback can run it too.
 *
 * @param options.patienceMs how long a migration is tried again for
 * @returns the names of the migrations that were applied
 * @throws MigrationError if a migration that was applied has been edited or is missing, or one does not get its locks
 */
export async function migrate(
  databaseUrl: string,
  migrations: Migration[] = readMigrations(),
  { maxWaitMs: maxWaitMs = MAX_WAIT_MS }: { maxWaitMs?: number } = {},
): Promise<string[]> {
  const database = new Database({ url: databaseUrl, poolSize: 1, statementTimeoutMs: 0x7fff_ffff });
  try {
    await database.transaction(async (client) => {
      // IF NOT EXISTS alone is not safe against a second starter.
      await client.query("SELECT pg_advisory_xact_lock(hashtext('schema_migrations'))");
      await client.query(createTable);
    });
    rejectUnknownMigrations(migrations, await appliedMigrations(database));
    const applied: string[] = [];
    for (const migration of migrations) {
      const apply = (client: DatabaseClient): Promise<boolean> => applyOnce(client, migration);
      if (await retryOnLockTimeout(database, `migration ${migration.name}`, maxWaitMs, apply))
        applied.push(migration.name);
    }
    return applied;
  } finally {
    await database.close();
  }
}

/**
 * The names of the migrations that this program needs and the database does not have yet. Ones that only the database
 * knows belong to a newer version, which keeps the schema usable for this one.
 */
export async function pendingMigrations(
  database: Database,
  options: { timeoutMs?: number } = {},
  migrations: Migration[] = readMigrations(),
): Promise<string[]> {
  const applied = await appliedMigrations(database, options);
  return migrations.filter(({ name }) => !applied.has(name)).map(({ name }) => name);
}

async function applyOnce(client: DatabaseClient, { name, checksum, sql }: Migration): Promise<boolean> {
  const inserted = await client.query(
    'INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
    [name, checksum],
  );
  if (inserted.rowCount === 0) {
    // Whoever applied it, even just now, must have had the same file.
    const found = 'SELECT name, checksum FROM schema_migrations WHERE name = $1';
    const { rows } = await client.query<Pick<Migration, 'name' | 'checksum'>>(found, [name]);
    for (const applied of rows) rejectEditedMigrations(applied, checksum);
    return false;
  }
  await setLockTimeout(client);
  await client.query(sql);
  return true;
}

async function appliedMigrations(
  database: Database,
  options: { timeoutMs?: number } = {},
): Promise<Map<string, string>> {
  try {
    const { rows } = await database.query<{ name: string; checksum: string }>(
      'SELECT name, checksum FROM schema_migrations',
      [],
      options,
    );
    return new Map(rows.map(({ name, checksum }) => [name, checksum]));
  } catch (error) {
    if (sqlStateOf(error) === sqlState.undefinedTable) return new Map();
    throw error;
  }
}

function rejectUnknownMigrations(migrations: Migration[], applied: Map<string, string>): void {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  const complete = migrations.every(({ name }) => applied.has(name));
  const last = migrations.at(-1)?.name ?? '';
  for (const [name, checksum] of applied) {
    const expected = known.get(name);
    if (expected === undefined) {
      if (complete && name > last) continue; // of a newer version
      throw new MigrationError(
        `migration ${name} was applied to this database, but its file is missing: ` +
          'restore the file, or migrate with the version of the program that has it',
      );
    }
    rejectEditedMigrations({ name, checksum }, expected);
  }
}

function rejectEditedMigrations({ name, checksum }: Pick<Migration, 'name' | 'checksum'>, expected: string): void {
  if (checksum === expected) return;
  throw new MigrationError(
    `migration ${name} was edited after it was applied: restore the file, and put the change into a new migration`,
  );
}
