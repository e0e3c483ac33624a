import type { DatabaseClient } from './database.client';
import { SQL_STATES, sqlStateOf } from './database.errors';
import { MigrationError } from './migration.error';
import type { SchemaFile, SchemaFiles } from './schema.files';

/** A row of `schema_functions`: a text of a function that was applied to the database. */
export interface AppliedFunction {
  readonly name: string;
  readonly checksum: string;
  /** The version of the programs that applied it last. */
  readonly version: string;
  /** Whether it is the text in use. */
  readonly is_current: boolean;
}

/**
 * Bodies are not checked against the functions that they call, so the files need no order. `SET search_path FROM CURRENT` in
 * a file makes the function resolve names in this schema only, whatever its caller's search_path is.
 */
const PREPARE_TRANSACTION = `
  SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true),
         set_config('check_function_bodies', 'off', true)`;

const RECORD = `
  INSERT INTO schema_functions AS f (name, checksum, version, is_current) VALUES ($1, $2, $3, true)
  ON CONFLICT (name, checksum) DO UPDATE SET version = EXCLUDED.version, is_current = true, applied_at = EXCLUDED.applied_at`;

const COUNT_BY_NAME = `
  SELECT wanted.name, count(p.oid)::integer AS count
    FROM unnest($1::text[]) AS wanted (name)
    LEFT JOIN pg_proc AS p ON p.proname = wanted.name AND p.pronamespace = current_schema()::regnamespace
   GROUP BY wanted.name HAVING count(p.oid) <> 1`;

/**
 * Whether a function file is to be applied. Not on a database that is ahead: there, a newer version has replaced the
 * function, or another build of the same version did so after this text had been applied.
 */
export function isPending(
  { name, checksum }: SchemaFile,
  version: string,
  applied: readonly AppliedFunction[],
): boolean {
  const texts = applied.filter((text) => text.name === name);
  const current = texts.find(({ is_current }) => is_current);
  if (current === undefined) return true;
  if (current.checksum === checksum) return false;
  const order = version.localeCompare(current.version, 'en', { numeric: true });
  return order > 0 || (order === 0 && texts.every((text) => text.checksum !== checksum));
}

/**
 * Applies the functions that are pending, in a transaction that holds the lock of the schema.
 *
 * @returns `functions/<name>` of each
 * @throws MigrationError if a function changed its parameters or its result
 */
export async function applyFunctions(client: DatabaseClient, { functions, version }: SchemaFiles): Promise<string[]> {
  const { rows: applied } = await client.query<AppliedFunction>(
    'SELECT name, checksum, version, is_current FROM schema_functions',
  );
  const pending = functions.filter((file) => isPending(file, version, applied));
  if (pending.length === 0) return [];
  const names = pending.map(({ name }) => name);
  await client.query(PREPARE_TRANSACTION);
  await client.query('UPDATE schema_functions SET is_current = false WHERE name = ANY ($1)', [names]);
  for (const file of pending) {
    await applyFunction(client, file);
    await client.query(RECORD, [file.name, file.checksum, version]);
  }
  // CREATE OR REPLACE with other parameters creates a second function of the same name.
  const { rows: ambiguous } = await client.query<{ name: string; count: number }>(COUNT_BY_NAME, [names]);
  for (const { name, count } of ambiguous) {
    if (count === 0) throw new MigrationError(`functions/${name}.sql does not create a function named ${name}`);
    throw changedSignature(name);
  }
  return names.map((name) => `functions/${name}`);
}

async function applyFunction(client: DatabaseClient, { name, sql }: SchemaFile): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    const state = sqlStateOf(error);
    if (state === SQL_STATES.invalidFunctionDefinition || state === SQL_STATES.ambiguousFunction) {
      throw changedSignature(name, error);
    }
    throw error;
  }
}

function changedSignature(name: string, cause?: unknown): MigrationError {
  return new MigrationError(
    `functions/${name}.sql changes the parameters or the result of ${name}, which programs of the previous version call: ` +
      `restore them, and put the change into a function of another name, such as ${name}_2`,
    { cause },
  );
}
