import { readFileSync } from 'node:fs';
import { sourceFile } from './repository.files';

/** The text of a file in `deploy`. */
export function shippedConfig(path: string): string {
  return readFileSync(sourceFile(`deploy/${path}`), 'utf8');
}

/** Replaces a text in a shipped configuration. @throws Error if it is not there, so that no test uses another configuration */
export function replaced(config: string, from: string, to: string): string {
  if (!config.includes(from)) throw new Error(`the configuration in deploy does not say ${from}`);
  return config.replaceAll(from, to);
}
