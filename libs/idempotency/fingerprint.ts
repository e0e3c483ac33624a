import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json';

/**
 * SHA-256 over what a key stands for: method, path and the body's canonical JSON, so that neither white space nor the
 * order of members matters. None of the three can hold a line break, so no two requests share the text that is hashed.
 * @param path without the query
 * @param body parsed; undefined if there is none
 */
export function fingerprintOf(method: string, path: string, body: unknown): Buffer {
  const text = `${method}\n${path}\n${body === undefined ? '' : canonicalJson(body)}`;
  return createHash('sha256').update(text).digest();
}
