import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A statement that every connection prepares once and then only executes. */
export interface Statement {
  /** Unique within the program: Postgres identifies a prepared statement by its name alone. */
  readonly name: string;
  readonly text: string;
}

/**
 * The statement in `sql/<name>.sql`. Call it while modules load, so that a missing file stops the program at its start.
 *
 * @param directory of the module that the statement belongs to: `__dirname`
 */
export function statement(directory: string, name: string): Statement {
  return { name, text: readFileSync(join(directory, 'sql', `${name}.sql`), 'utf8') };
}
