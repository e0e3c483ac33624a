import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The version in the nearest package.json of a parent folder. */
export function readVersion(directory = __dirname): string {
  const file = join(directory, 'package.json');
  if (!existsSync(file)) return readVersion(dirname(directory));
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }; // of this product
  return version;
}
