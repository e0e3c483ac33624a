import { fieldSegment, itemError } from '#libs/errors';
import { type Change, isObject, type ItemValidator, lowerCaseUuid, type Validation } from '#libs/properties';
import { conditionOf } from './etag';
import { type PlanItem, reject } from './plan';

const ITEM_MEMBERS = new Set(['id', 'default', 'list', 'extended', 'if_match']);

export interface ItemLimits {
  /** `ITEM_LIMIT_BYTES`: the maximum size of an item as JSON. */
  itemLimitBytes: number;
  /** The size of the request body. No item is larger. */
  bodyBytes: number;
}

/** Plans the patches of a batch: each item becomes a change or an item error. */
export function planUpdates(items: readonly unknown[], validator: ItemValidator, limits: ItemLimits): PlanItem[] {
  return items.map((item) => planUpdate(item, validator, limits));
}

/** Plans the deletes of a batch. */
export function planDeletes(ids: readonly unknown[]): PlanItem[] {
  return ids.map((given) => {
    const id = uuidOf(given);
    return id === undefined ? invalidId(given) : { op: 'delete', id };
  });
}

/** Plans the patch of a record. @param id a valid UUID */
export function planPatch(id: string, change: Change, ifMatch?: string): PlanItem {
  const condition = ifMatch === undefined ? {} : { if_match: ifMatch };
  const { set, clear, ops, list, extended, lookups } = change;
  if (clear === null && ops === null && list === null && extended === null && lookups === undefined) {
    return set === null ? { op: 'read', id, ...condition } : { op: 'update', id, ...condition, set };
  }
  return { op: 'update', id, ...condition, default: { set, clear, ops }, list, extended, ...(lookups && { lookups }) };
}

/** The UUID in lower case; undefined if the value is not a UUID in canonical form (RFC 9562). */
export function uuidOf(value: unknown): string | undefined {
  return typeof value === 'string' ? (lowerCaseUuid(value) ?? undefined) : undefined;
}

function planUpdate(item: unknown, validator: ItemValidator, limits: ItemLimits): PlanItem {
  if (!isObject(item)) {
    return reject(null, itemError('invalid_item', 'an item must be an object with an id and what to change'));
  }
  const id = uuidOf(item.id);
  if (id === undefined) return invalidId(item.id);

  const unknown = Object.keys(item).find((key) => !ITEM_MEMBERS.has(key));
  if (unknown !== undefined) {
    return invalidItem(
      id,
      unknown,
      'unknown_field',
      `an item has no such field; it takes ${[...ITEM_MEMBERS].join(', ')}`,
    );
  }
  if (limits.bodyBytes > limits.itemLimitBytes) {
    const bytes = Buffer.byteLength(JSON.stringify(item));
    if (bytes > limits.itemLimitBytes) {
      const message = `the item has ${bytes} bytes of JSON; at most ${limits.itemLimitBytes} are allowed`;
      return reject(id, itemError('too_large', message));
    }
  }

  let ifMatch: string | undefined;
  const tag = item.if_match;
  if (tag !== undefined) {
    const condition = typeof tag === 'string' ? conditionOf(tag) : 'malformed';
    if (condition === 'malformed') {
      return invalidItem(
        id,
        'if_match',
        'etag',
        String.raw`if_match must be an etag in its quotes, such as "\"8-64f1c2a3b4d5e\""`,
      );
    }
    ifMatch = condition.etag;
  }

  const validation: Validation = validator.patch(item);
  if ('errors' in validation) {
    const [first] = validation.errors;
    return reject(id, itemError(validation.code, first?.message, validation.errors));
  }
  return planPatch(id, validation.change, ifMatch);
}

function invalidId(given: unknown): PlanItem {
  return invalidItem(null, 'id', given === undefined ? 'required' : 'uuid', 'id must be a UUID');
}

function invalidItem(id: string | null, field: string, code: string, message: string): PlanItem {
  return reject(id, itemError('invalid_item', message, [{ field: fieldSegment(field), code, message }]));
}
