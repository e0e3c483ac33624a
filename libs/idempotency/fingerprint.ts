import { createHash } from 'node:crypto';
import { CanonicalJsonWriter } from './canonical-json';

/**
 * SHA-256 over what a key stands for: method, path and the body's canonical JSON, so that neither white space nor the
 * order of members matters. None of the three can hold a line break, so no two requests share the text that is hashed.
 * @param path without the query
 * @param body parsed; undefined if there is none
 */
export function fingerprintOf(method: string, path: string, body: unknown): Buffer {
  const hash = createHash('sha256').update(`${method}\n${path}\n`);
  if (body !== undefined) {
    new CanonicalJsonWriter((piece) => {
      hash.update(piece);
    }).write(body);
  }
  return hash.digest();
}
