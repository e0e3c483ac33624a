import { afterAll, afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readSettings } from '#libs/config';
import {
  type Database,
  DatabaseUnavailable,
  migrate,
  type Migration,
  MigrationError,
  openDatabase,
  pendingMigrations,
  readMigrations,
} from '#libs/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { PostgresServer } from '../support/postgres.server';
import { Session } from '../support/session';

const migrations = readMigrations();
const names = migrations.map(({ name }) => name);

function poolOf(url: string, size = 2): Database {
  const settings = readSettings({ DATABASE_URL: url, DATABASE_POOL_SIZE: String(size), REQUEST_TIMEOUT_MS: '10000' });
  const database = openDatabase(settings);
  onTestFinished(() => database.close());
  return database;
}

async function sessionOn(url: string): Promise<Session> {
  const session = await Session.open(url);
  onTestFinished(() => session.close());
  return session;
}

function edited(migration: Migration): Migration {
  return { ...migration, checksum: 'of an edited file' };
}

describe('migrate', () => {
  let empty: TestDatabase;
  beforeEach(async () => {
    empty = await createDatabase({ migrated: false });
  });
  afterEach(() => empty.drop());

  it('applies every file once, in the order of their numbers', async () => {
    const database = poolOf(empty.url);
    expect(await pendingMigrations(database)).toEqual(names);
    expect(await migrate(empty.url)).toEqual(names);
    expect(await pendingMigrations(database)).toEqual([]);
    expect(await migrate(empty.url)).toEqual([]);
    expect(names).toEqual(names.toSorted());
  });

  it.each([2, 10])('is harmless when %s start at once: each file is applied by one of them', async (starters) => {
    const applied = await Promise.all(Array.from({ length: starters }, () => migrate(empty.url)));
    expect(applied.flat().sort()).toEqual(names);
    expect(await pendingMigrations(poolOf(empty.url))).toEqual([]);
  });

  it('refuses a file that was edited after it was applied, and names it', async () => {
    await migrate(empty.url);
    const withEdit = migrations.map((migration, index) => (index === 1 ? edited(migration) : migration));
    const refusal = migrate(empty.url, withEdit);
    await expect(refusal).rejects.toBeInstanceOf(MigrationError);
    await expect(refusal).rejects.toThrow(new RegExp(`${names[1] ?? ''} was edited`));
  });

  it('refuses to go on when a file that was applied is missing, and names it', async () => {
    await migrate(empty.url);
    const refusal = migrate(empty.url, migrations.toSpliced(1, 1));
    await expect(refusal).rejects.toBeInstanceOf(MigrationError);
    await expect(refusal).rejects.toThrow(new RegExp(`${names[1] ?? ''}.* missing`));
    const withAnother = [...migrations.slice(0, -1), { name: '9999_other', sql: '', checksum: '' }];
    await expect(migrate(empty.url, withAnother)).rejects.toThrow(new RegExp(`${names.at(-1) ?? ''}.* missing`));
  });

  it('does nothing on a database that a newer version has migrated, which lacks nothing', async () => {
    await migrate(empty.url);
    const older = migrations.slice(0, -1);
    expect(await migrate(empty.url, older)).toEqual([]);
    expect(await pendingMigrations(poolOf(empty.url), {}, older)).toEqual([]);
  });

  it('refuses one of several starters whose file differs from the one that was first', async () => {
    const results = await Promise.allSettled([migrate(empty.url), migrate(empty.url, migrations.map(edited))]);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toBeInstanceOf(MigrationError);
  });

  it('leaves nothing of a migration that fails, and keeps those before it', async () => {
    const broken = { name: '9999_broken', sql: 'CREATE TABLE half (id int); SELECT 1 / 0', checksum: 'x' };
    await expect(migrate(empty.url, [...migrations, broken])).rejects.toThrow(/division by zero/);
    const session = await sessionOn(empty.url);
    expect(await session.query("SELECT to_regclass('half') AS half")).toEqual([{ half: null }]);
    expect(await pendingMigrations(poolOf(empty.url), {}, [...migrations, broken])).toEqual(['9999_broken']);
    const mended = { ...broken, sql: 'CREATE TABLE half (id int)', checksum: 'y' };
    expect(await migrate(empty.url, [...migrations, mended])).toEqual(['9999_broken']);
  });

  describe('while others use the tables', () => {
    const addColumn = { name: '9999_add_column', sql: 'ALTER TABLE teams ADD COLUMN region text', checksum: 'x' };

    it('lets them pass, and tries again until it has its locks', async () => {
      await migrate(empty.url);
      const [reader, other] = [await sessionOn(empty.url), await sessionOn(empty.url)];
      await reader.query('BEGIN');
      await reader.query('SELECT FROM teams');
      const applied = migrate(empty.url, [...migrations, addColumn]);
      const waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'ALTER TABLE teams%'";
      await vi.waitUntil(async () => (await other.query(waiting)).length > 0, { timeout: 5_000 });
      // It waits behind the migration, which gives way before the reader does.
      await other.query("SET lock_timeout = '1s'");
      await other.query('SELECT FROM teams');
      await reader.query('COMMIT');
      expect(await applied).toEqual([addColumn.name]);
    });

    it('gives up in the end, says why, and leaves nothing behind', async () => {
      await migrate(empty.url);
      const reader = await sessionOn(empty.url);
      await reader.query('BEGIN');
      await reader.query('SELECT FROM teams');
      const refusal = migrate(empty.url, [...migrations, addColumn], { maxWaitMs: 0 });
      await expect(refusal).rejects.toBeInstanceOf(MigrationError);
      await expect(refusal).rejects.toThrow(/9999_add_column did not get its locks .* nothing of it was applied/);
      await reader.query('COMMIT');
      expect(await pendingMigrations(poolOf(empty.url), {}, [...migrations, addColumn])).toEqual([addColumn.name]);
    });
  });

  it('says that the database cannot be reached when it cannot', async () => {
    await expect(migrate('postgres://postgres@127.0.0.1:1/none')).rejects.toBeInstanceOf(DatabaseUnavailable);
  });
});

describe('the pool of connections', () => {
  let own: TestDatabase;
  beforeEach(async () => {
    own = await createDatabase();
  });
  afterEach(() => own.drop());

  it('survives the death of idle connections', async () => {
    const database = poolOf(own.url);
    const session = await sessionOn(own.url);
    await Promise.all([database.query('SELECT'), database.query('SELECT')]);
    expect(database.use()).toMatchObject({ total: 2, idle: 2 });
    await session.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await vi.waitUntil(() => database.use().total === 0);
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
  });

  it('survives the death of a connection that is lent and not speaking', async () => {
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

  it('answers unavailable to who waited too long for a connection, and gives it to the next', async () => {
    const database = poolOf(own.url, 1);
    const session = await sessionOn(own.url);
    await session.query('SELECT pg_advisory_lock(1)');
    const holder = database.query('SELECT pg_advisory_lock(1)');
    const began = performance.now();
    await expect(database.query('SELECT', [], { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'unavailable',
      kind: 'timeout',
    });
    expect(performance.now() - began).toBeLessThan(1_000);
    const patient = database.query('SELECT');
    await session.query('SELECT pg_advisory_unlock(1)');
    await holder;
    await patient;
    expect(database.use()).toEqual({ total: 1, idle: 1, waiting: 0 });
  });

  it('does not lend a connection again whose statement took too long', async () => {
    const database = poolOf(own.url, 1);
    const session = await sessionOn(own.url);
    await session.query('SELECT pg_advisory_lock(1)');
    await expect(database.query('SELECT pg_advisory_lock(1)', [], { timeoutMs: 100 })).rejects.toBeInstanceOf(
      DatabaseUnavailable,
    );
    await expect(database.query('SELECT', [], { timeoutMs: 5_000 })).resolves.toBeDefined();
  });

  it('keeps nothing of a transaction that throws', async () => {
    const database = poolOf(own.url);
    const refusal = new Error('not this');
    const attempt = database.transaction(async (client) => {
      await client.query("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'lost')");
      throw refusal;
    });
    await expect(attempt).rejects.toBe(refusal);
    expect((await database.query('SELECT FROM teams')).rowCount).toBe(0);
  });

  it('says that a statement may be tried again when it was canceled or came in the way of others', async () => {
    const database = poolOf(own.url);
    for (const state of ['57014', '55P03', '40001', '40P01', '53300', '57P01']) {
      const raise = database.query(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '${state}'; END $$`);
      await expect(raise, state).rejects.toBeInstanceOf(DatabaseUnavailable);
    }
    await expect(database.query('SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
  });
});

describe('a database that goes away', () => {
  let server: PostgresServer | undefined;
  afterAll(() => server?.remove());

  it('is unavailable while it is down, and used again when it is back', async () => {
    server = await PostgresServer.create();
    const database = poolOf(server.url);
    const waiting = database.query('SELECT pg_sleep(30)').catch((error: unknown) => error);
    await database.query('SELECT');
    await server.stop('immediate');
    expect(await waiting).toBeInstanceOf(DatabaseUnavailable);
    await expect(database.query('SELECT')).rejects.toMatchObject({ code: 'unavailable', kind: 'connection' });
    await server.start();
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
    // Also one that shuts down in good order, as for an upgrade.
    await server.stop('fast');
    await expect(database.transaction(() => Promise.resolve())).rejects.toBeInstanceOf(DatabaseUnavailable);
    await server.start();
    await expect(database.query('SELECT')).resolves.toMatchObject({ rowCount: 1 });
  });
});
