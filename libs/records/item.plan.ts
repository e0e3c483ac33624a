import { fieldSegment, type ItemError, itemError } from '#libs/errors';
import { parseUuid } from '#libs/json';
import type { PropertyDefinition, RequestValidator, Validation } from '#libs/properties';
import { type EtagCondition, etagConditionOf } from './etag';
import { type PlanItem, planReject } from './plan';

/** An item of a batch, as the client sent it. */
export type Item = Readonly<Record<string, unknown>>;

/** Limits the size of an item. */
interface ItemLimits {
  /** `ITEM_LIMIT_BYTES`: the maximum size of an item as JSON. */
  readonly itemLimitBytes: number;
  /** The size of the request body. No item is larger. */
  readonly bodyBytes: number;
}

/** What the items of a batch are planned with. */
export interface ItemContext extends ItemLimits {
  readonly validator: RequestValidator;
  readonly definitions: readonly PropertyDefinition[];
  /** Creates the id of a new record. */
  readonly newId: () => string;
  /** The option `skip_unchanged`. */
  readonly skipUnchanged: boolean;
}

const MAX_REF_LENGTH = 64;

/**
 * Checks what all items of existing records have in common: `id`, `ref`, no unknown member, the size.
 *
 * @param plan the item, once this is valid
 */
export function planItem(
  item: Item,
  members: ReadonlySet<string>,
  context: ItemContext,
  plan: (id: string) => PlanItem,
): PlanItem {
  const id = parseUuid(item.id);
  return withRef(item, () => {
    if (id === undefined) return invalidId(item.id);
    return rejectMalformed(item, id, members, context) ?? plan(id);
  });
}

/** The planned item with the `ref` of the client; an item error if that is not valid. */
export function withRef(item: Item, plan: () => PlanItem): PlanItem {
  const { ref } = item;
  if (ref === undefined) return plan();
  if (!isRef(ref)) {
    const message = `ref must be a string of at most ${MAX_REF_LENGTH} characters, without NUL and lone surrogates`;
    return invalidItem(parseUuid(item.id) ?? null, 'ref', 'max_length', message);
  }
  return { ...plan(), ref };
}

/** Rejects an item with an unknown member or too many bytes; undefined if it has neither. */
export function rejectMalformed(
  item: Item,
  id: string | null,
  members: ReadonlySet<string>,
  limits: ItemLimits,
): PlanItem | undefined {
  const error = malformedError('item', item, members, limits);
  return error && planReject(id, error);
}

/** The error of an item, or of a row of an import, with an unknown member or too many bytes; undefined if it has neither. */
export function malformedError(
  noun: 'item' | 'row',
  item: Item,
  members: ReadonlySet<string>,
  { itemLimitBytes, bodyBytes }: ItemLimits,
): ItemError | undefined {
  const unknown = Object.keys(item).find((key) => !members.has(key));
  if (unknown !== undefined) {
    const message = `${noun === 'item' ? 'an' : 'a'} ${noun} has no such field; it takes ${[...members].join(', ')}`;
    return itemError('invalid_item', message, [{ field: fieldSegment(unknown), code: 'unknown_field', message }]);
  }
  if (bodyBytes <= itemLimitBytes) return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(item));
  if (bytes <= itemLimitBytes) return undefined;
  return itemError('too_large', `The ${noun} has ${bytes} bytes of JSON; at most ${itemLimitBytes} are allowed.`);
}

/** The condition in the `if_match` of an item; without `if_match`, only that the record exists. */
export function ifMatchOf(tag: unknown): EtagCondition {
  if (tag === undefined) return {};
  return typeof tag === 'string' ? etagConditionOf(tag) : 'malformed';
}

export function malformedIfMatch(id: string | null): PlanItem {
  const message = String.raw`if_match must be an etag in its quotes, such as "\"8-64f1c2a3b4d5e\""`;
  return invalidItem(id, 'if_match', 'etag', message);
}

/** @param id null for an item that creates a record */
export function rejectInvalid(id: string | null, { code, errors }: Extract<Validation, { errors: unknown }>): PlanItem {
  return planReject(id, itemError(code, errors[0]?.message, errors));
}

export function invalidId(given: unknown): PlanItem {
  return invalidItem(null, 'id', given === undefined ? 'required' : 'uuid', 'id must be a UUID');
}

export function invalidItem(id: string | null, field: string, code: string, message: string): PlanItem {
  return planReject(id, itemError('invalid_item', message, [{ field: fieldSegment(field), code, message }]));
}

function isRef(ref: unknown): ref is string {
  if (typeof ref !== 'string' || ref.includes('\0') || !ref.isWellFormed()) return false;
  // A character outside of the Basic Multilingual Plane has two code units.
  return ref.length <= MAX_REF_LENGTH || (ref.length <= 2 * MAX_REF_LENGTH && Array.from(ref).length <= MAX_REF_LENGTH);
}
