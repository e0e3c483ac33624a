import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate, readSchemaFiles } from '#libs/database';
import { createDatabase, type TestDatabase } from '../support/database';
import { Session } from '../support/session';
import { incompatibilities, interfaceOf, type SchemaInterface } from './schema.interface';

/** Removes what no version in use needs any more: the only kind of migration that may remove anything. */
const contracts = (name: string): boolean => /^\d+_contract_/.test(name);

/**
 * The functions that the programs of the last release call. A program names every parameter, so another signature breaks the
 * programs that run while a new version is rolled out. Add the functions of a new release here; remove one only after its
 * contract migration.
 */
const CALLED_FUNCTIONS = [
  'apply_batch(IN p_team_id uuid, IN p_object_type text, IN p_items jsonb, IN p_atomic boolean, IN p_dry_run boolean, ' +
    'IN p_max_failures integer, IN p_minimal boolean, IN p_item_durable boolean, IN p_record_limit_bytes integer, ' +
    'IN p_response_limit_bytes integer, IN p_lock_timeout_ms integer, IN p_budget_ms integer, IN p_client_id uuid, ' +
    'IN p_key_hash bytea, IN p_fingerprint bytea, IN p_key_lifetime_s integer, IN p_key_stale_s integer, ' +
    'IN p_request_id text, INOUT state text, INOUT entries text, INOUT codes text, INOUT replayed text, ' +
    'INOUT durations text, INOUT completed_by text, INOUT internal_errors text)',
  'detach_ledger_partition(p_day date)',
  'drop_ledger_partition(p_day date)',
  'ensure_ledger_partition(p_day date)',
  'find_api_key(p_key_id text)',
  'item_entry(p_id uuid, p_ref text, p_error text, p_effect text, p_version bigint, p_properties jsonb, p_list jsonb, ' +
    'p_extended jsonb, p_created_at timestamp with time zone, p_updated_at timestamp with time zone, p_omitted boolean)',
  'missing_ledger_days(p_days_ahead integer)',
  'oldest_idempotency_request()',
  'purge_idempotency_requests(p_retention interval, p_from timestamp with time zone, p_limit integer, ' +
    'OUT deleted integer, OUT deleted_up_to timestamp with time zone)',
  'record_json(p_id uuid, p_properties jsonb, p_list jsonb, p_extended jsonb, p_created_at timestamp with time zone, ' +
    'p_updated_at timestamp with time zone)',
];

const schema = readSchemaFiles();
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

describe('a program of the previous version', () => {
  it.each(schema.migrations.map(({ name }, index) => [name, index] as const).slice(1))(
    'can still use a database on which %s was applied',
    async (name, index) => {
      const level = (count: number) => ({ ...schema, migrations: schema.migrations.slice(0, count), functions: [] });
      await migrate(database.url, level(index));
      const before = await interfaceOf(session);
      await migrate(database.url, level(index + 1));
      if (!contracts(name)) expect(incompatibilities(before, await interfaceOf(session))).toEqual([]);
    },
  );

  it('can call every function that it knows, with the parameters that it knows', async () => {
    await migrate(database.url);
    const { routines } = await interfaceOf(session);
    expect([...routines.keys()]).toEqual(expect.arrayContaining(CALLED_FUNCTIONS));
  });
});

describe('the check for changes that break programs of the previous version', () => {
  let before: SchemaInterface;

  beforeEach(async () => {
    await session.query('BEGIN');
    await session.query(`
      CREATE TABLE things (id integer PRIMARY KEY, name text, size integer DEFAULT 1, code text);
      CREATE UNIQUE INDEX ON things (code);
      CREATE PROCEDURE touch(p_id integer, INOUT result text) LANGUAGE sql AS 'SELECT NULL::text';
      CREATE FUNCTION size_of(p_id integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'`);
    before = await interfaceOf(session);
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
      'size_of(p_id integer) returns another result',
    ],
    [
      `CREATE PROCEDURE touch(p_id integer, p_depth integer DEFAULT 1, INOUT result text DEFAULT NULL) LANGUAGE sql AS 'SELECT NULL::text'`,
      expect.stringContaining(
        'a call of touch(IN p_id integer, INOUT result text) could mean touch(IN p_id integer, IN p_depth',
      ),
    ],
  ])('reports %s', async (change, found) => {
    await session.query(change);
    expect(incompatibilities(before, await interfaceOf(session))).toContainEqual(found);
  });

  it('does not report an addition', async () => {
    await session.query(`
      ALTER TABLE things ADD region text, ADD kind text NOT NULL DEFAULT 'x';
      CREATE TABLE others (id integer PRIMARY KEY, thing integer NOT NULL REFERENCES things);
      CREATE INDEX ON things (name);
      CREATE PROCEDURE touch(p_id integer, p_depth integer, INOUT result text) LANGUAGE sql AS 'SELECT NULL::text';
      CREATE OR REPLACE FUNCTION size_of(p_id integer) RETURNS integer LANGUAGE sql AS 'SELECT 2'`);
    expect(incompatibilities(before, await interfaceOf(session))).toEqual([]);
  });
});
