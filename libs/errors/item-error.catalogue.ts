import { FieldError } from './request.error';

/** One way in which a single item of a batch fails. */
export interface ItemErrorKind {
  /** What the caller reads where nothing more precise is known. */
  readonly message: string;
  readonly when: string;
  /** Whether the same item, sent again unchanged, can succeed. */
  readonly retryable: boolean;
}

/** The closed list of codes with which an item fails. Published: a code is never renamed or given another meaning. */
export const ITEM_ERRORS = {
  invalid_item: {
    message: 'The item is not valid.',
    when: 'It is no object, its `id` is no UUID, it has an unknown key, or a block of it is malformed.',
    retryable: false,
  },
  unknown_property: {
    message: 'The object type has no such property.',
    when: 'A slug is not defined for the object type or list.',
    retryable: false,
  },
  invalid_property: {
    message: 'A value does not fit its property.',
    when: 'A value does not fit the type of its property, or cannot be stored.',
    retryable: false,
  },
  unknown_option: {
    message: 'The property has no such option.',
    when: 'A value is no option of its select property.',
    retryable: false,
  },
  required_property: {
    message: 'A required property cannot be cleared.',
    when: 'A required property would be left without a value.',
    retryable: false,
  },
  too_large: {
    message: 'The item, or the record after it, is too large.',
    when: 'It is over `ITEM_LIMIT_BYTES`, or would make its record larger than `RECORD_LIMIT_BYTES`.',
    retryable: false,
  },
  not_found: {
    message: 'There is no such record.',
    when: 'The team has no live record of this object type with the id.',
    retryable: false,
  },
  precondition_failed: {
    message: 'The record is not at the version that if_match names.',
    when: "`if_match` is not the record's current `etag`.",
    retryable: false,
  },
  conflict: {
    message: 'Another record has this value, which must be unique.',
    when: 'A uniqueness rule refused the change.',
    retryable: false,
  },
  locked: {
    message: 'Another transaction is holding the record. Send the item again.',
    when: 'The record was held by another transaction for longer than `LOCK_TIMEOUT_MS`.',
    retryable: true,
  },
  not_attempted: {
    message: 'The item was not attempted. Send it again.',
    when: 'The deadline, a stop of the process, or `on_error: stop` came first: nothing was done. Not retryable after a failure that is not retryable stopped the batch.',
    retryable: true,
  },
  rolled_back: {
    message: 'The item was rolled back because another one failed.',
    when: 'With `on_error: rollback`, another item failed: nothing was changed. Not retryable if that failure is not.',
    retryable: true,
  },
  unavailable: {
    message: 'The database went away. Send the item again with the same Idempotency-Key.',
    when: 'The database went away: nothing was done, or, with an `Idempotency-Key`, a retry finds out what was.',
    retryable: true,
  },
  outcome_unknown: {
    message:
      'The database connection was lost, and without an Idempotency-Key the outcome is unknown: the item may have been applied. Read the record before you send the item again.',
    when: 'There was no `Idempotency-Key`, and the database went away while the batch ran: the item may have been applied.',
    retryable: false,
  },
  internal: {
    message: 'Something went wrong on our side. It is logged under the request id.',
    when: 'An internal error. The transaction of the item was rolled back.',
    retryable: true,
  },
} as const satisfies Readonly<Record<string, ItemErrorKind>>;

export type ItemErrorCode = keyof typeof ITEM_ERRORS;

/** The error of one item, as it stands in `results` of a batch. A value, not an exception: an item's failure is no failure of the request. */
export interface ItemError {
  code: ItemErrorCode;
  message: string;
  retryable: boolean;
  errors?: FieldError[];
}

/** @param errors which fields of the item are at fault; paths are relative to the item, e.g. `.default.stage` */
export function itemError(code: ItemErrorCode, message?: string, errors?: FieldError[]): ItemError {
  const kind = ITEM_ERRORS[code];
  return { code, message: message ?? kind.message, retryable: kind.retryable, ...(errors && { errors }) };
}
