import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json, whether this runs from its source or from what was built of it. */
export const rootFolder = ((): string => {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** A built program. */
export function program(path: string): string {
  return join(rootFolder, 'dist', path);
}

/** A file of the bench that is not compiled. */
export function source(path: string): string {
  return join(rootFolder, 'test/bench', path);
}
