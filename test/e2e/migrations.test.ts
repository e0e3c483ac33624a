import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readSettings } from '#libs/config';
import {
  type Database,
  DatabaseUnavailable,
  migrate,
  MigrationError,
  openDatabase,
  pendingMigrations,
  readSchemaFiles,
  type SchemaFile,
  type SchemaFiles,
} from '#libs/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { PostgresServer } from '../support/postgres.server';
import { Session } from '../support/session';

const schema = readSchemaFiles();
const { migrations } = schema;
const migrationNames = migrations.map(({ name }) => name);
const names = [...migrationNames, ...schema.functions.map(({ name }) => `functions/${name}`)];

function poolOf(url: string, size = 2): Database {
  const settings = readSettings({ DATABASE_URL: url, DATABASE_POOL_SIZE: String(size), REQUEST_TIMEOUT_MS: '60000' });
  const database = openDatabase(settings);
  onTestFinished(() => database.close());
  return database;
}

async function sessionOn(url: string): Promise<Session> {
  const session = await Session.open(url);
  onTestFinished(() => session.close());
  return session;
}

function edited(file: SchemaFile): SchemaFile {
  return { ...file, checksum: 'of an edited file' };
}

function withMigrations(files: SchemaFile[]): SchemaFiles {
  return { ...schema, migrations: files };
}

function withMigration(file: SchemaFile): SchemaFiles {
  return withMigrations([...migrations, file]);
}

describe('migrate', () => {
  let empty: TestDatabase;
  beforeEach(async () => {
    empty = await createDatabase({ migrated: false });
  });
  afterEach(() => empty.drop());

  it('applies every file once: migrations in the order of their numbers, then functions', async () => {
    const database = poolOf(empty.url);
    expect(await pendingMigrations(database)).toEqual(names);
    expect(await migrate(empty.url)).toEqual(names);
    expect(await pendingMigrations(database)).toEqual([]);
    expect(await migrate(empty.url)).toEqual([]);
    expect(migrationNames).toEqual(migrationNames.toSorted());
  });

  it('refuses a database with the ledger of an early version, and changes nothing', async () => {
    const session = await sessionOn(empty.url);
    await session.query('CREATE TABLE idempotency_items (id bigint)');
    await expect(migrate(empty.url)).rejects.toThrow(MigrationError);
    await expect(migrate(empty.url)).rejects.toThrow('idempotency_items');
    const tables = await session.query(
      "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    );
    expect(tables).toEqual([{ relname: 'idempotency_items' }]);
  });

  it('configures vacuum of the tables with the most changes, and the compression of long texts', async () => {
    await migrate(empty.url);
    const session = await sessionOn(empty.url);
    const options = await session.query<{ relname: string; reloptions: string[] }>(
      "SELECT relname, reloptions FROM pg_class WHERE relkind = 'r' AND relname IN ('records', 'idempotency_requests', 'idempotency_progress')",
    );
    const often = [
      'fillfactor=80',
      'autovacuum_vacuum_scale_factor=0.05',
      'autovacuum_vacuum_insert_scale_factor=0.05',
    ];
    expect(Object.fromEntries(options.map(({ relname, reloptions }) => [relname, reloptions]))).toEqual({
      records: often,
      idempotency_requests: often,
      idempotency_progress: [
        ...['fillfactor=10', 'autovacuum_vacuum_threshold=1000', 'autovacuum_vacuum_scale_factor=0'],
        'autovacuum_vacuum_cost_delay=0',
      ],
    });
    const [server] = await session.query<{ lz4: boolean }>(
      "SELECT 'lz4' = ANY (enumvals) AS lz4 FROM pg_settings WHERE name = 'default_toast_compression'",
    );
    const columns = await session.query<{ name: string; compression: string }>(
      `SELECT DISTINCT regexp_replace(attrelid::regclass::text, '_(default|\\d+)$', '') || '.' || attname AS name, attcompression AS compression
         FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid AND c.relkind IN ('r', 'p')
        WHERE (attrelid::regclass::text LIKE 'idempotency_outcomes%' AND attname = 'entries')
           OR (attrelid = 'import_chunks'::regclass AND attname IN ('items', 'results')) ORDER BY name`,
    );
    const compression = server?.lz4 === true ? 'l' : '';
    expect(columns).toEqual(
      ['idempotency_outcomes.entries', 'import_chunks.items', 'import_chunks.results'].map((name) => ({
        name,
        compression,
      })),
    );
  });

  it('applies functions whose bodies are valid', async () => {
    await migrate(empty.url);
    const session = await sessionOn(empty.url);
    await session.query(
      `SELECT CASE l.lanname WHEN 'plpgsql' THEN plpgsql_validator(p.oid) ELSE fmgr_sql_validator(p.oid) END
         FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE p.pronamespace = current_schema()::regnamespace`,
    );
  });

  it.each([2, 10])('is harmless when %s start at once: one of them applies each file', async (starters) => {
    const applied = await Promise.all(Array.from({ length: starters }, () => migrate(empty.url)));
    expect(applied.flat().sort()).toEqual(names.toSorted());
    expect(await pendingMigrations(poolOf(empty.url))).toEqual([]);
  });

  it('rejects a migration that was edited after it was applied, and names it', async () => {
    await migrate(empty.url);
    const withEdit = migrations.map((migration, index) => (index === 1 ? edited(migration) : migration));
    const attempt = migrate(empty.url, withMigrations(withEdit));
    await expect(attempt).rejects.toBeInstanceOf(MigrationError);
    await expect(attempt).rejects.toThrow(new RegExp(`${migrationNames[1] ?? ''} was edited`));
  });

  it('rejects a database of which a migration is missing among the files, and names it', async () => {
    await migrate(empty.url);
    const attempt = migrate(empty.url, withMigrations(migrations.toSpliced(1, 1)));
    await expect(attempt).rejects.toBeInstanceOf(MigrationError);
    await expect(attempt).rejects.toThrow(new RegExp(`${migrationNames[1] ?? ''}.* missing`));
    const withAnother = [...migrations.slice(0, -1), { name: '9999_other', sql: '', checksum: '' }];
    await expect(migrate(empty.url, withMigrations(withAnother))).rejects.toThrow(
      new RegExp(`${migrationNames.at(-1) ?? ''}.* missing`),
    );
  });

  it('does nothing on a database that a newer version has migrated, and finds nothing pending', async () => {
    await migrate(empty.url);
    const older = withMigrations(migrations.slice(0, -1));
    expect(await migrate(empty.url, older)).toEqual([]);
    expect(await pendingMigrations(poolOf(empty.url), {}, older)).toEqual([]);
  });

  it('rejects the second of two starters whose files differ', async () => {
    const results = await Promise.allSettled([
      migrate(empty.url),
      migrate(empty.url, withMigrations(migrations.map(edited))),
    ]);
    const rejected = results.filter((result) => result.status === 'rejected');
    expect(rejected).toHaveLength(1);
    expect(rejected[0]?.reason).toBeInstanceOf(MigrationError);
  });

  it('rolls back a migration that fails, with the functions, and keeps the migrations before it', async () => {
    const broken = { name: '9999_broken', sql: 'CREATE TABLE half (id int); SELECT 1 / 0', checksum: 'x' };
    await expect(migrate(empty.url, withMigration(broken))).rejects.toThrow(/division by zero/);
    const session = await sessionOn(empty.url);
    expect(await session.query("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
    const pending = ['9999_broken', ...names.slice(migrations.length)];
    expect(await pendingMigrations(poolOf(empty.url), {}, withMigration(broken))).toEqual(pending);
    const fixed = { ...broken, sql: 'CREATE TABLE half (id int)', checksum: 'y' };
    expect(await migrate(empty.url, withMigration(fixed))).toEqual(pending);
  });

  describe('while others use the tables', () => {
    const addColumn = { name: '9999_add_column', sql: 'ALTER TABLE teams ADD COLUMN region text', checksum: 'x' };

    it('releases its locks and retries until it gets all of them', async () => {
      await migrate(empty.url);
      const [reader, other] = [await sessionOn(empty.url), await sessionOn(empty.url)];
      await reader.query('BEGIN');
      await reader.query('SELECT FROM teams');
      const applied = migrate(empty.url, withMigration(addColumn));
      const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE teams%'";
      await vi.waitUntil(async () => (await other.query(waiting)).length > 0, { timeout: 5_000 });
      // It queues behind the migration, whose lock timeout ends before the reader's transaction does.
      await other.query("SET lock_timeout = '1s'");
      await other.query('SELECT FROM teams');
      await reader.query('COMMIT');
      expect(await applied).toEqual([addColumn.name]);
    });

    it('gives up after the maximum wait, says why, and changes nothing', async () => {
      await migrate(empty.url);
      const reader = await sessionOn(empty.url);
      await reader.query('BEGIN');
      await reader.query('SELECT FROM teams');
      const attempt = migrate(empty.url, withMigration(addColumn), { maxWaitMs: 0 });
      await expect(attempt).rejects.toBeInstanceOf(MigrationError);
      await expect(attempt).rejects.toThrow(/9999_add_column did not get its locks .* nothing of it was applied/);
      await reader.query('COMMIT');
      expect(await pendingMigrations(poolOf(empty.url), {}, withMigration(addColumn))).toEqual([addColumn.name]);
    });
  });

  it('reports a database that cannot be reached as unavailable', async () => {
    await expect(migrate('postgres://postgres@127.0.0.1:1/none')).rejects.toBeInstanceOf(DatabaseUnavailable);
  });
});

describe('a function file', () => {
  let database: TestDatabase;
  let session: Session;
  beforeEach(async () => {
    database = await createDatabase({ migrated: false });
    session = await Session.open(database.url);
    await migrate(database.url, versionOf('1.0.0', 1));
  });
  afterEach(async () => {
    await session.close();
    await database.drop();
  });

  /** Two functions, `own_number` returns a number, and `twice`, which precedes it by name, calls it. */
  function versionOf(version: string, number: number, extra: SchemaFile[] = []): SchemaFiles {
    const definition = `CREATE OR REPLACE FUNCTION own_number() RETURNS integer LANGUAGE sql AS 'SELECT ${number}'`;
    const twice = `CREATE OR REPLACE FUNCTION a_twice() RETURNS integer LANGUAGE sql AS 'SELECT 2 * own_number()'`;
    return {
      version,
      migrations,
      functions: [
        { name: 'a_twice', sql: twice, checksum: 'twice' },
        { name: 'own_number', sql: definition, checksum: `own_number ${number}` },
        ...extra,
      ],
    };
  }

  async function twice(): Promise<unknown> {
    const [row] = await session.query<{ result: number }>('SELECT a_twice() AS result');
    return row?.result;
  }

  it('is applied again when it changed, and only then', async () => {
    const unchanged = "SELECT xmin::text FROM pg_proc WHERE proname = 'a_twice'";
    const before = await session.query(unchanged);
    expect(await migrate(database.url, versionOf('1.1.0', 7))).toEqual(['functions/own_number']);
    expect(await twice()).toBe(14);
    expect(await session.query(unchanged)).toEqual(before);
    expect(await migrate(database.url, versionOf('1.1.0', 7))).toEqual([]);
  });

  it('is pending for a new version until it is applied, and never for the previous version', async () => {
    const pool = poolOf(database.url);
    const [older, newer] = [versionOf('1.0.0', 1), versionOf('1.1.0', 7)];
    expect(await pendingMigrations(pool, {}, newer)).toEqual(['functions/own_number']);
    expect(await pendingMigrations(pool, {}, older)).toEqual([]);
    await migrate(database.url, newer);
    expect(await pendingMigrations(pool, {}, newer)).toEqual([]);
    expect(await pendingMigrations(pool, {}, older)).toEqual([]);
  });

  it('is left alone by the previous version on a database that is ahead', async () => {
    await migrate(database.url, versionOf('1.1.0', 7));
    expect(await migrate(database.url, versionOf('1.0.0', 1))).toEqual([]);
    expect(await migrate(database.url, versionOf('1.0.1', 3))).toEqual([]);
    expect(await twice()).toBe(14);
  });

  it('is applied again by a version that restores an earlier text', async () => {
    await migrate(database.url, versionOf('1.1.0', 7));
    expect(await migrate(database.url, versionOf('1.2.0', 1))).toEqual(['functions/own_number']);
    expect(await twice()).toBe(2);
    expect(await pendingMigrations(poolOf(database.url), {}, versionOf('1.1.0', 7))).toEqual([]);
  });

  it('keeps the privileges on the function that it replaces', async () => {
    await session.query('REVOKE EXECUTE ON FUNCTION own_number FROM PUBLIC');
    const privileges = "SELECT proacl::text FROM pg_proc WHERE proname = 'own_number'";
    const before = await session.query(privileges);
    await migrate(database.url, versionOf('1.1.0', 7));
    expect(await session.query(privileges)).toEqual(before);
  });

  it.each([
    [
      'other parameters',
      `CREATE OR REPLACE FUNCTION own_number(p_n integer) RETURNS integer LANGUAGE sql AS 'SELECT p_n'`,
    ],
    ['another result', `CREATE OR REPLACE FUNCTION own_number() RETURNS text LANGUAGE sql AS $$ SELECT '1' $$`],
  ])('is rejected with %s, and no function is changed', async (_, sql) => {
    const { functions, ...rest } = versionOf('1.1.0', 7);
    const changed = { ...rest, functions: functions.slice(1).map((file) => ({ ...edited(file), sql })) };
    await expect(migrate(database.url, changed)).rejects.toThrow(
      /functions\/own_number\.sql changes the parameters or the result .* own_number_2/,
    );
    expect(await twice()).toBe(2);
    expect(await pendingMigrations(poolOf(database.url), {}, changed)).toEqual(['functions/own_number']);
  });

  it('is rejected if it does not create the function that it is named after', async () => {
    const other = { name: 'other', sql: 'SELECT 1', checksum: 'other' };
    await expect(migrate(database.url, versionOf('1.1.0', 7, [other]))).rejects.toThrow(
      /does not create a function named/,
    );
    expect(await twice()).toBe(2);
  });

  it('is applied once when several start at once', async () => {
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url, versionOf('1.1.0', 7))));
    expect(applied.flat()).toEqual(['functions/own_number']);
  });
});

describe('the connection pool', () => {
  let own: TestDatabase;
  beforeEach(async () => {
    own = await createDatabase();
  });
  afterEach(() => own.drop());

  it('replaces idle connections that were terminated', async () => {
    const database = poolOf(own.url);
    const session = await sessionOn(own.url);
    await Promise.all([database.query('SELECT'), database.query('SELECT')]);
    expect(database.stats()).toMatchObject({ total: 2, idle: 2 });
    await session.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await vi.waitUntil(() => database.stats().total === 0);
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
  });

  it('replaces a leased connection that was terminated while it was idle', async () => {
    const database = poolOf(own.url);
    const session = await sessionOn(own.url);
    const checkout = database.withClient(async (client) => {
      const [row] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
      await session.query('SELECT pg_terminate_backend($1)', [row?.pid]);
      const dead = 'SELECT FROM pg_stat_activity WHERE pid = $1';
      await vi.waitUntil(async () => (await session.query(dead, [row?.pid])).length === 0);
      return client.query('SELECT');
    });
    await expect(checkout).rejects.toBeInstanceOf(DatabaseUnavailable);
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
  });

  it('rejects a caller that waited too long for a connection as unavailable, and leases the connection to the next', async () => {
    const database = poolOf(own.url, 1);
    const session = await sessionOn(own.url);
    await session.query('SELECT pg_advisory_lock(1)');
    const holder = database.query('SELECT pg_advisory_lock(1)');
    await expect(database.query('SELECT', [], { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'unavailable',
      kind: 'timeout',
    });
    const next = database.query('SELECT');
    await session.query('SELECT pg_advisory_unlock(1)');
    await holder;
    await next;
    expect(database.stats()).toEqual({ total: 1, idle: 1, discarded: 0, waiting: 0 });
  });

  it('closes a connection whose statement exceeded its timeout', async () => {
    const database = poolOf(own.url, 1);
    const session = await sessionOn(own.url);
    await session.query('SELECT pg_advisory_lock(1)');
    await expect(database.query('SELECT pg_advisory_lock(1)', [], { timeoutMs: 100 })).rejects.toBeInstanceOf(
      DatabaseUnavailable,
    );
    await expect(database.query('SELECT', [], { timeoutMs: 5_000 })).resolves.toBeDefined();
  });

  it('fails a call that waits for a connection if a file of its URL has disappeared', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'prism-ca-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, 'ca.pem');
    writeFileSync(file, '');
    const database = poolOf(`${own.url}?sslmode=disable&sslrootcert=${file}`, 1);
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const holder = database.withClient(async () => {
      await ended;
      throw new Error('its connection is closed');
    });
    const waiting = database.query('SELECT');
    await expect.poll(() => database.stats()).toMatchObject({ total: 1, idle: 0, waiting: 1 });
    rmSync(file);
    end();
    await expect(holder).rejects.toThrow('its connection is closed');
    await expect(waiting).rejects.toMatchObject({ kind: 'connection', cause: { code: 'ENOENT' } });
    writeFileSync(file, '');
    await expect(database.query('SELECT')).resolves.toBeDefined();
  });

  it('rolls back a transaction that throws', async () => {
    const database = poolOf(own.url);
    const failure = new Error('failed');
    const attempt = database.transaction(async (client) => {
      await client.query("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'lost')");
      throw failure;
    });
    await expect(attempt).rejects.toBe(failure);
    expect((await database.query('SELECT FROM teams')).rowCount).toBe(0);
  });

  it('reports a statement that was canceled or conflicted with others as unavailable', async () => {
    const database = poolOf(own.url);
    for (const state of ['57014', '55P03', '40001', '40P01', '53300', '57P01']) {
      const raise = database.query(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '${state}'; END $$`);
      await expect(raise, state).rejects.toBeInstanceOf(DatabaseUnavailable);
    }
    await expect(database.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
  });
});

describe('a database that stops', () => {
  let server: PostgresServer | undefined;
  afterAll(() => server?.remove());

  it('is unavailable while it is down, and used again when it is up', async () => {
    server = await PostgresServer.create();
    const database = poolOf(server.url);
    const waiting = database.query('SELECT pg_sleep(30)').catch((error: unknown) => error);
    await database.query('SELECT');
    await server.stop('immediate');
    expect(await waiting).toBeInstanceOf(DatabaseUnavailable);
    await expect(database.query('SELECT')).rejects.toMatchObject({ code: 'unavailable', kind: 'connection' });
    await server.start();
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
    // Also after a clean shutdown, as for an upgrade.
    await server.stop('fast');
    await expect(database.transaction(() => Promise.resolve())).rejects.toBeInstanceOf(DatabaseUnavailable);
    await server.start();
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
  });
});
