import { expect } from 'vitest';

const ETAG = /^"(\d+)-[0-9a-f]{13,14}"$/;

/** Matches an etag of this version of a record, whenever the change was made. */
export function etagOf(version: number): unknown {
  return expect.stringMatching(new RegExp(`^"${version}-[0-9a-f]{13,14}"$`));
}

/** The version in an etag of the gateway. */
export function versionOf(etag: unknown): number {
  const [, version] = ETAG.exec(String(etag)) ?? [];
  if (version === undefined) throw new Error(`this is no etag: ${String(etag)}`);
  return Number(version);
}
