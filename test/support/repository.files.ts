import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of package.json, whether the caller runs from source or from `dist`. */
export const repositoryFolder = ((): string => {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
})();

/** A compiled file, by its path below `dist`. */
export function builtFile(path: string): string {
  return join(repositoryFolder, 'dist', path);
}

/** A file that is not compiled, by its path in the repository. */
export function sourceFile(path: string): string {
  return join(repositoryFolder, path);
}
