import { itemError } from '#libs/errors';
import { type Change, isObject, type Validation } from '#libs/properties';
import {
  ifMatchOf,
  invalidId,
  type Item,
  type ItemContext,
  malformedIfMatch,
  planItem,
  rejectInvalid,
  uuidOf,
} from './item.plan';
import { type PlanItem, reject } from './plan';

const UPDATE_MEMBERS: ReadonlySet<string> = new Set(['id', 'default', 'list', 'extended', 'if_match', 'ref']);

/** Plans the patches of a batch: each item becomes a change or an item error. */
export function planUpdates(items: readonly unknown[], context: ItemContext): PlanItem[] {
  return items.map((item) =>
    isObject(item)
      ? planItem(item, UPDATE_MEMBERS, context, (id) => planUpdate(item, id, context))
      : reject(null, itemError('invalid_item', 'an item must be an object with an id and what to change')),
  );
}

/** Plans the deletes of a batch. */
export function planDeletes(ids: readonly unknown[]): PlanItem[] {
  return ids.map((given) => {
    const id = uuidOf(given);
    return id === undefined ? invalidId(given) : { op: 'delete', id };
  });
}

/** Plans the patch of a record. @param id a valid UUID */
export function planPatch(id: string, change: Change, ifMatch?: string, skipUnchanged = false): PlanItem {
  const condition = ifMatch === undefined ? {} : { if_match: ifMatch };
  const { set, clear, ops, list, extended, lookups } = change;
  if (clear === null && ops === null && list === null && extended === null && lookups === undefined) {
    if (set === null) return { op: 'read', id, ...condition };
    if (!skipUnchanged) return { op: 'update', id, ...condition, set };
  }
  const skip = skipUnchanged ? ({ skip_unchanged: true } as const) : {};
  const stored = lookups && { lookups };
  return { op: 'update', id, ...condition, default: { set, clear, ops }, list, extended, ...stored, ...skip };
}

/** Plans an item whose id and members are valid. @param id of an existing record */
export function planUpdate(item: Item, id: string, { validator, skipUnchanged }: ItemContext): PlanItem {
  const condition = ifMatchOf(item.if_match);
  if (condition === 'malformed') return malformedIfMatch(id);
  const validation: Validation = validator.patch(item);
  if ('errors' in validation) return rejectInvalid(id, validation);
  return planPatch(id, validation.change, condition.etag, skipUnchanged);
}
