import { itemError } from '#libs/errors';
import { isObject, parseUuid } from '#libs/json';
import type { Validation } from '#libs/properties';
import { planPatch } from './change.plan';
import {
  ifMatchOf,
  invalidId,
  type Item,
  type ItemContext,
  malformedIfMatch,
  planItem,
  rejectInvalid,
} from './item.plan';
import { isMatched, planMatched } from './match.plan';
import { type PlanItem, planReject } from './plan';

const UPDATE_MEMBERS: ReadonlySet<string> = new Set(['id', 'default', 'list', 'extended', 'if_match', 'ref']);

/** Plans the patches of a batch: each item becomes a change or an item error. */
export function planUpdates(items: readonly unknown[], context: ItemContext): PlanItem[] {
  return items.map((item) => {
    if (!isObject(item)) {
      return planReject(null, itemError('invalid_item', 'An item must be an object with an id and what to change.'));
    }
    if (isMatched(item)) return planMatched(item, UPDATE_MEMBERS, context);
    return planItem(item, UPDATE_MEMBERS, context, (id) => planUpdate(item, id, context));
  });
}

/** Plans the deletes of a batch. */
export function planDeletes(ids: readonly unknown[]): PlanItem[] {
  return ids.map((given) => {
    const id = parseUuid(given);
    return id === undefined ? invalidId(given) : { op: 'delete', id };
  });
}

/** Plans an item whose id and members are valid. @param id of an existing record */
export function planUpdate(item: Item, id: string, { validator, skipUnchanged }: ItemContext): PlanItem {
  const condition = ifMatchOf(item.if_match);
  if (condition === 'malformed') return malformedIfMatch(id);
  const validation: Validation = validator.patch(item);
  if ('errors' in validation) return rejectInvalid(id, validation);
  return planPatch(id, validation.change, condition.etag, skipUnchanged);
}
