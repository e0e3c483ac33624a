import { createHash } from 'node:crypto';
import { invalidField } from '#libs/errors';

const HEADER = '.header.idempotency-key';
const MAX_LENGTH = 255;
/** RFC 8941, section 3.3.3: printable ASCII in double quotes, in which only `\"` and `\\` are escapes. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5B\x5D-\x7E]|\\["\\])*)"$/;
const PRINTABLE = /^[\x20-\x7E]+$/;

/** The hash of a key, and its scope. The key itself is never stored, because it may contain personal data. */
export interface IdempotencyId {
  readonly teamId: string;
  readonly clientId: string;
  /** SHA-256 of the decoded key. */
  readonly keyHash: Buffer;
}

/**
 * Reads the `Idempotency-Key` header: 1 to 255 printable ASCII characters, bare or as a quoted structured-field string.
 * `"abc"` and `abc` are the same key.
 * @param values each occurrence of the header, as in `IncomingMessage.headersDistinct`
 * @returns the decoded key, or undefined without the header
 * @throws RequestError `invalid_request` if the header is malformed or repeated
 */
export function parseIdempotencyKey(values: readonly string[] | undefined): string | undefined {
  const [value, ...others] = values ?? [];
  if (value === undefined) return undefined;
  if (others.length > 0) throw invalidField(HEADER, 'single', 'Idempotency-Key must be sent once');
  return decodeKey(value, HEADER);
}

/**
 * Reads a key in the form of the `Idempotency-Key` header.
 * @param field the path of the field, for errors
 * @throws RequestError `invalid_request` if it is malformed
 */
export function decodeKey(value: string, field: string): string {
  const key = unquoted(value.trim(), field);
  if (key === '') throw invalidField(field, 'min_length', 'Idempotency-Key must not be empty');
  if (key.length > MAX_LENGTH)
    throw invalidField(field, 'max_length', `Idempotency-Key must have ${MAX_LENGTH} characters at most`);
  if (!PRINTABLE.test(key))
    throw invalidField(field, 'printable_ascii', 'Idempotency-Key must consist of printable ASCII characters');
  return key;
}

/** SHA-256 of a decoded key. */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function unquoted(value: string, field: string): string {
  if (!value.startsWith('"')) return value;
  const quoted = QUOTED.exec(value)?.[1];
  if (quoted === undefined) {
    const message = 'a quoted Idempotency-Key must be one string in double quotes, with only \\" and \\\\ as escapes';
    throw invalidField(field, 'quoted_string', message);
  }
  return quoted.replaceAll(/\\(["\\])/g, '$1');
}
