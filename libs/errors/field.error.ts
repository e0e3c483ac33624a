/** The maximum number of field errors in a rejected request or item. It keeps a response smaller than the input it rejects. */
export const MAX_FIELD_ERRORS = 20;

/** One broken rule of a request or an item. */
export interface FieldError {
  /** The path of the field: `.body.items`, `.path.id`, `.query.select`, `.header.idempotency-key`; in an item `.default.stage`. */
  field: string;
  /** The name of the rule, such as `uuid` or `max_items`. */
  code: string;
  message: string;
}

const MAX_KEY_LENGTH = 64;
const PLAIN_KEY = /^[\w-]{1,64}$/;

/**
 * One segment of a field path: `.key`, `[3]`, or `["other key"]`. A long key is truncated, and other keys are escaped as JSON:
 * no NUL or lone surrogate reaches a response or the ledger.
 */
export function fieldSegment(key: string | number): string {
  if (typeof key === 'number') return `[${key}]`;
  if (PLAIN_KEY.test(key)) return `.${key}`;
  return `[${JSON.stringify(key.length > MAX_KEY_LENGTH ? `${key.slice(0, MAX_KEY_LENGTH)}…` : key)}]`;
}
