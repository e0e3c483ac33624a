import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Reads a JSON object of ours, or answers the fallback if it was never written. */
export function readStore<T>(file: string, fallback: T): T {
  // Only this program writes these files, whole or not at all.
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : fallback;
}

/** Readable by their owner only; renamed into place, so that a kill half-way leaves the old content. */
export function writeStore(file: string, content: unknown): void {
  const draft = `${file}.new`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

/** A password that needs no escaping in URLs, configuration files or SQL. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
