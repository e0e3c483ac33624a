import type { BlockChange, ExtendedChange, Json, ObjectType } from '#libs/properties';
import type { ItemError } from '#libs/errors';

/** How a batch treats its items. */
export interface BatchOptions {
  /**
   * `continue`: an item that fails touches no other. `stop`: the items after the first failure are `not_attempted`.
   * `rollback`: if any item fails, the others are `rolled_back` and nothing has changed.
   */
  onError: 'continue' | 'stop' | 'rollback';
  /** Whether a result carries the record or only its etag. */
  return: 'representation' | 'minimal';
  /** Everything as usual, then undone: the answer says what would have been. */
  dryRun: boolean;
}

export const defaultOptions: BatchOptions = { onError: 'continue', return: 'representation', dryRun: false };

/** What a metric calls the operation that a plan carries out. */
export type Operation = 'update' | 'delete' | 'create' | 'patch';

/**
 * One item, checked: either the change to make to one record or the reason why there is none. In the form that the
 * procedure `apply_item` takes, so that a plan travels as it is. `if_match` is a version.
 */
export type PlanItem =
  | { op: 'update'; id: string; if_match?: string; set: Record<string, Json> }
  | {
      op: 'update';
      id: string;
      if_match?: string;
      default: BlockChange | null;
      list: Record<string, BlockChange> | null;
      extended: ExtendedChange | null;
    }
  | { op: 'read'; id: string; if_match?: string }
  | { op: 'delete'; id: string; if_match?: string }
  | { op: 'create'; id: string; properties: Json; list: Json; extended: Json }
  | { op: 'refuse'; id: string | null; code: ItemError['code']; error: string };

/** What one call does to the records of one team and object type; items stand in request order. */
export interface Plan {
  operation: Operation;
  teamId: string;
  objectType: ObjectType;
  items: PlanItem[];
  options: BatchOptions;
}

/** An item that was found wrong before it reached the database. */
export function refuse(id: string | null, error: ItemError): PlanItem {
  return { op: 'refuse', id, code: error.code, error: JSON.stringify(error) };
}
