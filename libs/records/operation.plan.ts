import { itemError } from '#libs/errors';
import { isObject, parseUuid } from '#libs/json';
import { planCreate } from './change.plan';
import {
  ifMatchOf,
  invalidItem,
  type Item,
  type ItemContext,
  malformedIfMatch,
  planItem,
  rejectInvalid,
  rejectMalformed,
  withRef,
} from './item.plan';
import { isMatched, planMatched } from './match.plan';
import { type PlanItem, planReject } from './plan';
import { planUpdate } from './update.plan';

/** The members that an item of a mixed batch can have, by its operation. */
const MEMBERS = {
  create: new Set(['op', 'ref', 'default', 'list', 'extended']),
  update: new Set(['op', 'ref', 'id', 'if_match', 'default', 'list', 'extended']),
  delete: new Set(['op', 'ref', 'id', 'if_match']),
  restore: new Set(['op', 'ref', 'id', 'if_match']),
} as const satisfies Readonly<Record<string, ReadonlySet<string>>>;

type BatchItemOperation = keyof typeof MEMBERS;

/** The values of `op`. */
export const BATCH_ITEM_OPERATIONS = Object.keys(MEMBERS) as BatchItemOperation[]; // the keys above

/** Plans a batch whose items have an operation each. */
export function planOperations(items: readonly unknown[], context: ItemContext): PlanItem[] {
  return items.map((item) =>
    isObject(item)
      ? planOperation(item, context)
      : planReject(null, itemError('invalid_item', 'An item must be an object with an op.')),
  );
}

function planOperation(item: Item, context: ItemContext): PlanItem {
  const op = BATCH_ITEM_OPERATIONS.find((known) => known === item.op);
  switch (op) {
    case 'create':
      return withRef(item, () => planCreation(item, context));
    case 'update':
      if (isMatched(item)) return planMatched(item, MEMBERS[op], context);
      return planItem(item, MEMBERS[op], context, (id) => planUpdate(item, id, context));
    case 'delete':
    case 'restore':
      return planItem(item, MEMBERS[op], context, (id) => planDeleteOrRestore(op, item, id, context));
    case undefined:
      return withRef(item, () => {
        const message = `op must be one of ${BATCH_ITEM_OPERATIONS.join(', ')}`;
        return invalidItem(parseUuid(item.id) ?? null, 'op', item.op === undefined ? 'required' : 'enum', message);
      });
  }
}

function planCreation(item: Item, context: ItemContext): PlanItem {
  if (item.id !== undefined) {
    return invalidItem(null, 'id', 'unknown_field', 'an item that creates a record takes no id: it gets a new one');
  }
  const malformed = rejectMalformed(item, null, MEMBERS.create, context);
  if (malformed !== undefined) return malformed;
  if (item.default === undefined && item.list === undefined && item.extended === undefined) {
    const message = 'a new record takes at least one of default, list, extended';
    return invalidItem(null, 'default', 'required', message);
  }
  const validation = context.validator.create(item);
  return 'errors' in validation ? rejectInvalid(null, validation) : planCreate(context.newId(), validation.change);
}

function planDeleteOrRestore(op: 'delete' | 'restore', item: Item, id: string, { validator }: ItemContext): PlanItem {
  const condition = ifMatchOf(item.if_match);
  if (condition === 'malformed') return malformedIfMatch(id);
  const { allLookups: lookups } = validator;
  const more = op === 'restore' && lookups !== undefined ? { lookups } : {};
  return { op, id, ...(condition.etag !== undefined && { if_match: condition.etag }), ...more };
}
