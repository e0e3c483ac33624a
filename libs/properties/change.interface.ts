import type { FieldError, ItemErrorCode } from '#libs/errors';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Adds elements to a multi-value property, or takes them out of it. `values` holds no duplicates. */
export interface Operation {
  op: 'append' | 'remove';
  values: Json[];
  /** Refused if it leaves the property without elements. */
  required?: true;
}

/** What to do with one block of properties. Null where there is nothing of the kind. */
export interface BlockChange {
  set: Record<string, Json> | null;
  /** Slugs whose values go. */
  clear: string[] | null;
  ops: Record<string, Operation> | null;
}

/** What to do with the opaque `extended` object: its top-level keys are set or dropped, the others stay. */
export interface ExtendedChange {
  set: Record<string, Json>;
  clear: string[];
}

/** What one item changes in its record: the `default` block, the blocks by list id, and `extended`. */
export interface Change extends BlockChange {
  list: Record<string, BlockChange> | null;
  extended: ExtendedChange | null;
}

/** The blocks of an item as they arrived. Left out (undefined) means unchanged. */
export interface ItemBlocks {
  default?: unknown;
  list?: unknown;
  extended?: unknown;
}

/** A change to apply, or everything that is wrong with the item; `code` is the first error's. */
export type Validation = { change: Change } | { code: ItemErrorCode; errors: FieldError[] };
