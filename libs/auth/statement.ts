import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of `sql/<name>.sql`. Read when the program starts: a missing file stops it there and not at the first call. */
export function statement(name: string): string {
  return readFileSync(join(__dirname, 'sql', `${name}.sql`), 'utf8');
}
