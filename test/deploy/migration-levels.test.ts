import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate, readMigrations } from '#libs/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { Session } from '../support/session';
import { broken, promiseOf, type SchemaPromise } from './schema.promise';

/** Takes away what no program in use needs any more: the only kind of migration that may. */
const contracts = (name: string): boolean => /^\d+_contract_/.test(name);

const migrations = readMigrations();
let database: TestDatabase;
let session: Session;

beforeAll(async () => {
  database = await createDatabase({ migrated: false });
  session = await Session.open(database.url);
});

afterAll(async () => {
  await session.close();
  await database.drop();
});

describe('a program of the version before', () => {
  it.each(migrations.map(({ name }, index) => [name, index] as const).slice(1))(
    'goes on using a database on which %s was applied',
    async (name, index) => {
      await migrate(database.url, migrations.slice(0, index));
      const before = await promiseOf(session);
      await migrate(database.url, migrations.slice(0, index + 1));
      if (!contracts(name)) expect(broken(before, await promiseOf(session))).toEqual([]);
    },
  );
});

describe('what a program of the version before does not survive is found', () => {
  let before: SchemaPromise;

  beforeEach(async () => {
    await session.query('BEGIN');
    await session.query(`
      CREATE TABLE things (id integer PRIMARY KEY, name text, size integer DEFAULT 1, code text);
      CREATE UNIQUE INDEX ON things (code);
      CREATE PROCEDURE touch(p_id integer, INOUT result text) LANGUAGE sql AS 'SELECT NULL::text';
      CREATE FUNCTION size_of(p_id integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'`);
    before = await promiseOf(session);
  });

  afterEach(() => session.query('ROLLBACK'));

  it.each([
    ['DROP TABLE things', 'column things.id is gone'],
    ['ALTER TABLE things RENAME name TO title', 'column things.name is gone'],
    ['ALTER TABLE things ALTER size TYPE bigint', 'column things.size was integer and is bigint'],
    ['ALTER TABLE things ALTER name SET NOT NULL', 'column things.name must now be given a value'],
    ['ALTER TABLE things ADD kind text NOT NULL', 'the new column things.kind must be given a value'],
    ['ALTER TABLE things ADD CHECK (size > 0)', 'things has a new rule: CHECK ((size > 0))'],
    ['CREATE UNIQUE INDEX ON things (name)', 'things has a new rule: UNIQUE btree (name)'],
    ['DROP INDEX things_code_idx', 'things has lost what ON CONFLICT names: UNIQUE btree (code)'],
    ['DROP PROCEDURE touch', 'touch(IN p_id integer, INOUT result text) is gone: keep it beside the new one'],
    [
      `DROP FUNCTION size_of; CREATE FUNCTION size_of(p_id integer) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'`,
      'size_of(p_id integer) answers otherwise',
    ],
    [
      `CREATE PROCEDURE touch(p_id integer, p_depth integer DEFAULT 1, INOUT result text DEFAULT NULL) LANGUAGE sql AS 'SELECT NULL::text'`,
      expect.stringContaining(
        'a call of touch(IN p_id integer, INOUT result text) could mean touch(IN p_id integer, IN p_depth',
      ),
    ],
  ])('%s', async (change, found) => {
    await session.query(change);
    expect(broken(before, await promiseOf(session))).toContainEqual(found);
  });

  it('and nothing else: what is only added', async () => {
    await session.query(`
      ALTER TABLE things ADD region text, ADD kind text NOT NULL DEFAULT 'x';
      CREATE TABLE others (id integer PRIMARY KEY, thing integer NOT NULL REFERENCES things);
      CREATE INDEX ON things (name);
      CREATE PROCEDURE touch(p_id integer, p_depth integer, INOUT result text) LANGUAGE sql AS 'SELECT NULL::text';
      CREATE OR REPLACE FUNCTION size_of(p_id integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'`);
    expect(broken(before, await promiseOf(session))).toEqual([]);
  });
});
