const MAX_KEY_LENGTH = 64;
const PLAIN_KEY = /^[\w-]{1,64}$/;

/**
 * One step of a field's path: `.key`, `[3]`, or `["odd key"]`. A caller's key is cut, and written with JSON's escapes, so
 * that an error is never as large as what it refuses, and NULs and lone surrogates stay out of answers and the ledger.
 */
export function fieldSegment(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  if (PLAIN_KEY.test(key)) return `.${key}`;
  return `[${JSON.stringify(key.length > MAX_KEY_LENGTH ? `${key.slice(0, MAX_KEY_LENGTH)}…` : key)}]`;
}
