import type { ItemError } from '#libs/errors';

/**
 * The entry of one item in `results`. Entries travel as JSON text, because `apply_batch` and the ledger return them so: parse
 * one only where its content is needed. The function `item_entry` of the database builds the same shape.
 */
export type ResultEntry =
  | {
      readonly id: string;
      /** As in the item. */
      readonly ref?: string;
      readonly status: 'ok';
      readonly effect: Effect;
      /** Absent if the record does not exist any more. */
      readonly etag?: string;
      /** Absent with `return: minimal`, for a deleted record, and with `record_omitted`. */
      readonly record?: unknown;
      /** The response would be larger than `RESPONSE_LIMIT_BYTES` with the record. */
      readonly record_omitted?: true;
      readonly replayed?: true;
    }
  | {
      readonly id: string | null;
      readonly ref?: string;
      readonly status: 'error';
      readonly error: ItemError;
      readonly replayed?: true;
    };

/** What an applied item did. */
export const EFFECTS = ['created', 'updated', 'deleted', 'restored', 'unchanged'] as const;
export type Effect = (typeof EFFECTS)[number];

/** The entry of an item that failed. @param error an {@link ItemError} as JSON text */
export function errorEntry(id: string | null, ref: string | undefined, error: string): string {
  const refMember = ref === undefined ? '' : `, "ref": ${JSON.stringify(ref)}`;
  return `{"id": ${JSON.stringify(id)}${refMember}, "status": "error", "error": ${error}}`;
}

/** The entry of an item that an earlier attempt at the request settled. */
export function replayedEntry(entry: string): string {
  return `${entry.slice(0, -1)}, "replayed": true}`;
}

/** @param entry one of an `Outcome` */
export function parseEntry(entry: string): ResultEntry {
  return JSON.parse(entry) as ResultEntry; // built by the functions above or by the database
}
