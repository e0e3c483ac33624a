import { areTablesDistributed, closeShards, distributeNewObjects } from './cluster.setup';
import type { ConnectionPool } from './connection.pool';
import type { DatabaseClient } from './database.client';
import { Database } from './database';
import { SQL_STATES, sqlStateOf } from './database.errors';
import { type AppliedFunction, applyFunctions, isPending } from './function.runner';
import { MigrationError } from './migration.error';
import { poolerOptions, type PoolerSettings } from './pooler';
import { readSchemaFiles, type SchemaFile, type SchemaFiles } from './schema.files';
import { lockSchema, MAX_SCHEMA_LOCK_WAIT_MS, retryOnLockTimeout, setLockTimeout } from './schema.lock';

/** What the database records of the files that were applied to it. */
interface AppliedFiles {
  /** Checksums of migrations, by name. */
  readonly migrations: ReadonlyMap<string, string>;
  readonly functions: readonly AppliedFunction[];
}

const CREATE_TABLES = `
  CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
  );
  -- Every text of a function that was ever applied. is_current: the one applied last. version: of the programs.
  CREATE TABLE IF NOT EXISTS schema_functions (
    name       text        NOT NULL,
    checksum   text        NOT NULL,
    version    text        NOT NULL,
    is_current boolean     NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, checksum)
  )`;

const READ_APPLIED = `
  SELECT 'migration' AS kind, name, checksum, '' AS version, true AS is_current FROM schema_migrations
   UNION ALL
  SELECT 'function', name, checksum, version, is_current FROM schema_functions`;

/** On a cluster, one transaction can then change both tables and functions. Without Citus, it has no effect. */
const SEQUENTIALLY = "SET LOCAL citus.multi_shard_modify_mode TO 'sequential'";

/** The first partitions of the ledger. The worker creates the later ones; a day without one uses the default partition. */
const CREATE_PARTITIONS = 'SELECT ensure_ledger_partition(day) FROM missing_ledger_days(3) AS day';

/**
 * Brings the schema up to date. Safe while gateways serve, and when two programs start it at once.
 *
 * Each migration is a transaction that first inserts its own row: a second starter waits for that row and then finds it
 * committed. The last one also applies the functions that changed, so that functions and tables change together. A
 * transaction that does not get its locks quickly is rolled back and tried again.
 *
 * A database that a newer version has migrated is left as it is, so a rollback can run this too.
 *
 * @param options.maxWaitMs how long a transaction is tried again for
 * @returns what was applied: names of migrations, and `functions/<name>`
 * @throws MigrationError if the database has the ledger of an early version, an applied migration was edited or is missing, a
 * function changed its parameters, or a transaction does not get its locks
 */
export async function migrate(
  databaseUrl: string,
  schema: SchemaFiles = readSchemaFiles(),
  { maxWaitMs = MAX_SCHEMA_LOCK_WAIT_MS, pooler = {} }: { maxWaitMs?: number; pooler?: Partial<PoolerSettings> } = {},
): Promise<string[]> {
  const limits = { poolSize: 1, timeoutMs: 0x7fff_ffff, maxLifetimeSeconds: 0 };
  const database = new Database({ url: databaseUrl, ...limits, ...poolerOptions(pooler) });
  try {
    await database.transaction(async (client) => {
      // CREATE TABLE IF NOT EXISTS fails if another session creates the table at the same moment.
      await lockSchema(client);
      await client.query(CREATE_TABLES);
      await rejectPerItemLedger(client);
    });
    rejectUnknownMigrations(schema.migrations, (await readApplied(database)).migrations);
    const applied: string[] = [];
    for (const migration of schema.migrations.slice(0, -1)) {
      const apply = (client: DatabaseClient): Promise<string[]> => applyMigration(client, migration);
      applied.push(...(await retryOnLockTimeout(database, `migration ${migration.name}`, maxWaitMs, apply)));
    }
    const last = schema.migrations.at(-1);
    const step = last === undefined ? 'the functions' : `migration ${last.name}`;
    const applyLast = async (client: DatabaseClient): Promise<string[]> => {
      await lockSchema(client);
      await client.query(SEQUENTIALLY);
      const migrations = last === undefined ? [] : await applyMigration(client, last);
      const functions = await applyFunctions(client, schema);
      if (migrations.length + functions.length > 0 && (await areTablesDistributed(client)))
        await distributeNewObjects(client);
      return [...migrations, ...functions];
    };
    applied.push(...(await retryOnLockTimeout(database, step, maxWaitMs, applyLast)));
    if (schema.functions.some(({ name }) => name === 'missing_ledger_days')) await database.query(CREATE_PARTITIONS);
    return applied;
  } finally {
    await database.close();
  }
}

/**
 * What this program needs and the database does not have: names of migrations, and `functions/<name>`. Empty on a database
 * that a newer version has migrated, because newer versions keep the schema compatible with this one.
 *
 * @throws DatabaseUnavailable, including when it takes longer than `timeoutMs`
 */
export async function pendingMigrations(
  database: ConnectionPool,
  options: { timeoutMs?: number } = {},
  schema: SchemaFiles = readSchemaFiles(),
): Promise<string[]> {
  const applied = await readApplied(database, options);
  const migrations = schema.migrations.filter(({ name }) => !applied.migrations.has(name));
  const functions = schema.functions.filter((file) => isPending(file, schema.version, applied.functions));
  return [...migrations.map(({ name }) => name), ...functions.map(({ name }) => `functions/${name}`)];
}

/** Versions before the first release stored the outcomes of a keyed batch per item. A retry would not find them. */
async function rejectPerItemLedger(client: DatabaseClient): Promise<void> {
  const { rows } = await client.query<{ exists: boolean }>(
    "SELECT to_regclass('idempotency_items') IS NOT NULL AS exists",
  );
  if (rows[0]?.exists !== true) return;
  throw new MigrationError(
    'this database has the ledger of an early version (table idempotency_items), which this version cannot read: ' +
      'migrate an empty database, and copy the other tables into it',
  );
}

async function applyMigration(client: DatabaseClient, { name, checksum, sql }: SchemaFile): Promise<string[]> {
  const inserted = await client.query(
    'INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
    [name, checksum],
  );
  if (inserted.rowCount === 0) {
    // Another starter may have applied it in the meantime, from another file.
    const find = 'SELECT name, checksum FROM schema_migrations WHERE name = $1';
    const { rows } = await client.query<{ name: string; checksum: string }>(find, [name]);
    for (const applied of rows) rejectEditedMigration(applied, checksum);
    return [];
  }
  await setLockTimeout(client);
  await client.query(SEQUENTIALLY);
  if (!(await areTablesDistributed(client))) {
    await client.query(sql);
  } else {
    await closeShards(client);
    // Citus passes on the text of a command with those beside it, unless each is a statement of its own.
    await client.query(`DO $migration$ BEGIN ${sql} END $migration$`);
  }
  return [name];
}

async function readApplied(database: ConnectionPool, options: { timeoutMs?: number } = {}): Promise<AppliedFiles> {
  try {
    const { rows } = await database.query<AppliedFunction & { kind: 'migration' | 'function' }>(
      READ_APPLIED,
      [],
      options,
    );
    const migrations = rows.filter(({ kind }) => kind === 'migration');
    return {
      migrations: new Map(migrations.map(({ name, checksum }) => [name, checksum])),
      functions: rows.filter(({ kind }) => kind === 'function'),
    };
  } catch (error) {
    if (sqlStateOf(error) === SQL_STATES.undefinedTable) return { migrations: new Map(), functions: [] };
    throw error;
  }
}

function rejectUnknownMigrations(migrations: readonly SchemaFile[], applied: ReadonlyMap<string, string>): void {
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
    rejectEditedMigration({ name, checksum }, expected);
  }
}

function rejectEditedMigration({ name, checksum }: { name: string; checksum: string }, expected: string): void {
  if (checksum === expected) return;
  throw new MigrationError(
    `migration ${name} was edited after it was applied: restore the file, and put the change into a new migration`,
  );
}
