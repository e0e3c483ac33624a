import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The text of `sql/<name>.sql` in the folder. Read at start: a missing file stops the program there, not at the first call. */
export function statement(name: string, folder = __dirname): string {
  return readFileSync(join(folder, 'sql', `${name}.sql`), 'utf8');
}
