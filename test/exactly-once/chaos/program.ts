import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json, whether this runs from its source or from what was built of it. */
export const rootFolder = ((): string => {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** What Node loads before the gateway's own code: a file of this folder, built. */
export function preload(name: string): string {
  return join(rootFolder, 'dist/test/exactly-once/chaos', `${name}.preload.js`);
}
