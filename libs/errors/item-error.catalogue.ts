import type { FieldError } from './field.error';

/** How one item of a batch can fail. */
export interface ItemErrorKind {
  /** The default message. */
  readonly message: string;
  /** When it occurs; for the reference. */
  readonly when: string;
  /** Whether the same item, sent again unchanged, can succeed. */
  readonly retryable: boolean;
}

/** All item error codes. Published: a code is never renamed or given another meaning. */
export const ITEM_ERRORS = {
  invalid_item: {
    message: 'The item is not valid.',
    when: 'The item is not an object, its `id` is not a UUID, its `op` or `ref` is not valid, it has an unknown key, or one of its blocks is malformed.',
    retryable: false,
  },
  unknown_property: {
    message: 'The object type has no such property.',
    when: 'A slug is not defined for the object type or list.',
    retryable: false,
  },
  invalid_property: {
    message: 'A value does not fit its property.',
    when: 'A value does not fit the type of its property, or a value or the sum of an increment cannot be stored.',
    retryable: false,
  },
  unknown_option: {
    message: 'The property has no such option.',
    when: 'A value is not an option of its select property.',
    retryable: false,
  },
  required_property: {
    message: 'A required property cannot be cleared.',
    when: 'A required property would be left without a value.',
    retryable: false,
  },
  too_large: {
    message: 'The item is too large, or would make its record too large.',
    when: 'The item is larger than `ITEM_LIMIT_BYTES`, or would make its record larger than `RECORD_LIMIT_BYTES`.',
    retryable: false,
  },
  not_found: {
    message: 'The record does not exist.',
    when: 'The team has no record of this object type with this id, or it is deleted.',
    retryable: false,
  },
  precondition_failed: {
    message: 'if_match is not the current etag of the record.',
    when: "`if_match` is not the record's current `etag`.",
    retryable: false,
  },
  conflict: {
    message: 'Another record has this value, which must be unique.',
    when: 'The change violates a uniqueness rule.',
    retryable: false,
  },
  multiple_matches: {
    message: 'More than one record has this value.',
    when: 'The `match` of the item matches more than one record.',
    retryable: false,
  },
  locked: {
    message: 'The record is locked by another transaction. Send the item again.',
    when: 'Another transaction locked the record for longer than `LOCK_TIMEOUT_MS`.',
    retryable: true,
  },
  not_attempted: {
    message: 'The item was not attempted. Send it again.',
    when: 'The deadline passed, the process was stopping, or `on_error: stop` or `max_failures` ended the batch before the item was started. Not retryable if the errors that ended the batch are not.',
    retryable: true,
  },
  rolled_back: {
    message: 'The item was rolled back because another item failed.',
    when: 'With `on_error: rollback`, another item failed. Nothing was changed. Not retryable if that error is not.',
    retryable: true,
  },
  unavailable: {
    message: 'The database became unavailable. Send the item again with the same Idempotency-Key.',
    when: 'The database became unavailable. The item was not applied, or the request has an `Idempotency-Key` and a retry returns the outcome.',
    retryable: true,
  },
  outcome_unknown: {
    message:
      'The database became unavailable, and without an Idempotency-Key the outcome is unknown: the item may have been applied. Read the record before you send the item again.',
    when: 'The database became unavailable while a batch without an `Idempotency-Key` ran. The item may have been applied.',
    retryable: false,
  },
  internal: {
    message: 'An internal error occurred. It is logged with the request id.',
    when: 'An internal error. The transaction of the item was rolled back.',
    retryable: true,
  },
} as const satisfies Readonly<Record<string, ItemErrorKind>>;

export type ItemErrorCode = keyof typeof ITEM_ERRORS;

/** The error of one item in `results`. A value, not an exception: the failure of an item does not fail the request. */
export interface ItemError {
  code: ItemErrorCode;
  message: string;
  retryable: boolean;
  errors?: FieldError[];
}

/**
 * @param message by default the message of the catalogue
 * @param errors the invalid fields; paths are relative to the item, such as `.default.stage`
 */
export function itemError(code: ItemErrorCode, message?: string, errors?: FieldError[]): ItemError {
  const kind = ITEM_ERRORS[code];
  return { code, message: message ?? kind.message, retryable: kind.retryable, ...(errors && { errors }) };
}
