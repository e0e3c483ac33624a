import type { BlockChange, ExtendedChange, LookupKind, LookupTarget, ObjectType, Operand } from '#libs/properties';
import type { ItemError } from '#libs/errors';
import type { Json } from '#libs/json';

/** The maximum number of items in a batch. */
export const MAX_ITEMS = 100;

/** How a batch treats its items. */
export interface BatchOptions {
  /**
   * `continue`: a failed item does not affect the others. `stop`: items after the first failure are `not_attempted`.
   * `rollback`: if an item fails, the others are `rolled_back` and nothing is changed.
   */
  onError: 'continue' | 'stop' | 'rollback';
  /** Whether a result has the record, or only its etag. */
  return: 'representation' | 'minimal';
  /** Apply the items and roll back: the response has the results that they would have had. */
  dryRun: boolean;
  /** As `stop`, after this many failures. Only with `continue`. */
  maxFailures?: number | undefined;
  /** An update that would change nothing writes nothing, and the record keeps its etag. */
  skipUnchanged?: boolean | undefined;
}

export const DEFAULT_OPTIONS: BatchOptions = { onError: 'continue', return: 'representation', dryRun: false };

/** The failures after which a batch ends; undefined: any number. */
export function failureLimitOf({ onError, maxFailures }: BatchOptions): number | undefined {
  return onError === 'stop' ? 1 : maxFailures;
}

/** The operation of a plan; `batch`: each item has its own. Also a metric label. */
export type Operation =
  'update' | 'delete' | 'batch' | 'create' | 'patch' | 'upsert' | 'restore' | 'duplicate' | 'import';

/** The one live record that has a value. */
export interface Match {
  /** The id of the definition. */
  readonly id: string;
  readonly slug: string;
  readonly kind: LookupKind;
  readonly value: Operand;
  /** Whether the lookup of the property has every value. Otherwise all records are searched. */
  readonly indexed?: true;
}

/** An item with a match is applied to the record that the match finds, not to that of its `id`. */
interface Matched {
  match?: Match;
  /** What to apply if no record has the value. */
  create?: CreateItem;
  /** The error of the item if no record has the value and `create` is absent; `not_found` by default. */
  absent?: { code: ItemError['code']; error: string };
}

/** In a keyed batch of several items, `apply_batch` replaces the id with one that is the same in every attempt. */
export interface CreateItem {
  op: 'create';
  id: string;
  properties: Json;
  list: Json;
  extended: Json;
  lookups?: readonly LookupTarget[];
}

/**
 * A validated item: the change of one record, or an item error (`reject`). This is the input format of the procedure
 * `apply_batch`. `if_match` is an etag without its quotes, `ref` is the caller's name of the item. `lookups` are the lookups
 * whose value the item sets or clears.
 */
export type PlanItem = ItemOperation & { ref?: string };

type ItemOperation =
  | ({ op: 'update'; id: string; if_match?: string; set: Record<string, Json> } & Matched)
  | ({
      op: 'update';
      id: string;
      if_match?: string;
      default: BlockChange | null;
      list: Record<string, BlockChange> | null;
      extended: ExtendedChange | null;
      skip_unchanged?: true;
      lookups?: readonly LookupTarget[];
    } & Matched)
  | ({ op: 'read'; id: string; if_match?: string } & Matched)
  | { op: 'delete'; id: string; if_match?: string }
  | { op: 'restore'; id: string; if_match?: string; lookups?: readonly LookupTarget[] }
  | CreateItem
  /** `source`: the id of the record to copy. */
  | { op: 'duplicate'; id: string; source: string; lookups?: readonly LookupTarget[] }
  | { op: 'reject'; id: string | null; code: ItemError['code']; error: string };

/** The changes of one request to records of one team and object type. Items are in the order of the request. */
export interface Plan {
  operation: Operation;
  /** The request writes one record, named by its path: it is not counted as a batch. */
  single?: true;
  teamId: string;
  objectType: ObjectType;
  items: PlanItem[];
  options: BatchOptions;
}

/** The id in the entry of an item that failed: a record that was not created has none. */
export function entryIdOf(item: PlanItem): string | null {
  if ('match' in item) return null; // which record it is for is not known
  return item.op === 'create' || item.op === 'duplicate' ? null : item.id;
}

/** Plans an item that validation rejected: it fails with this error. */
export function planReject(id: string | null, error: ItemError): PlanItem {
  return { op: 'reject', id, code: error.code, error: JSON.stringify(error) };
}
