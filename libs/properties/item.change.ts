import type { FieldError, ItemErrorCode } from '#libs/errors';
import type { Json } from '#libs/json';
import type { LookupTarget } from './lookup.target';

/** Adds elements to a multi-value property, or removes them. `values` holds no duplicates. */
export interface SetOperation {
  op: 'append' | 'remove';
  values: Json[];
  /** The change fails if it leaves the property without elements. */
  required?: true;
}

/** Adds to a number property. */
export interface IncrementOperation {
  op: 'increment';
  by: number;
  /** The path of the property in the item, for an error of the database. */
  field: string;
}

/** A validated operator (`_op`). */
export type PropertyOperation = SetOperation | IncrementOperation;

/** The change of one block of properties. A part without entries is null. */
export interface BlockChange {
  set: Record<string, Json> | null;
  /** Slugs of the properties to clear. */
  clear: string[] | null;
  ops: Record<string, PropertyOperation> | null;
}

/** The change of the opaque `extended` object: top-level keys to set and to remove; other keys stay. */
export interface ExtendedChange {
  set: Record<string, Json>;
  clear: string[];
}

/** The change of one record: its `default` block, its blocks by list id, and `extended`. */
export interface Change extends BlockChange {
  list: Record<string, BlockChange> | null;
  extended: ExtendedChange | null;
  /** The lookups whose value it sets or clears; undefined if it touches none. */
  lookups?: readonly LookupTarget[];
}

/** The blocks of an item as the client sent them. An undefined block stays unchanged. */
export interface ItemBlocks {
  default?: unknown;
  list?: unknown;
  extended?: unknown;
}

/** A change to apply, or all errors of the item; `code` is that of the first error. */
export type Validation = { change: Change } | { code: ItemErrorCode; errors: FieldError[] };
