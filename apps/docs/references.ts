import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorsReference } from './errors.reference';
import { metricsReference } from './metrics.reference';
import { settingsReference } from './settings.reference';

/** The documents that are generated from the code, by file name. */
export const REFERENCES: Readonly<Record<string, () => string | Promise<string>>> = {
  'configuration.md': settingsReference,
  'errors.md': errorsReference,
  'metrics.md': metricsReference,
};

/** Writes every reference into the folder, and returns the paths of the files. */
export async function writeReferences(folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, reference] of Object.entries(REFERENCES)) {
    const file = join(folder, name);
    await writeFile(file, await reference());
    files.push(file);
  }
  return files;
}
