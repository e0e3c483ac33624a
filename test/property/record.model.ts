import { exactSum } from './exact.sum';

export type Block = Record<string, unknown>;

export interface ModelRecord {
  objectType: string;
  properties: Block;
  list: Record<string, Block>;
  extended: Block;
  version: number;
  deleted: boolean;
}

/** What an item sets, clears and operates on. */
export interface ModelChange {
  default?: Block;
  list?: Record<string, Block>;
  extended?: Block;
}

/** Changes a record. @returns whether the change is possible: no sum of an increment is rounded */
export function patchRecord(record: ModelRecord, change: ModelChange): boolean {
  let possible = patchBlock(record.properties, change.default ?? {});
  // Opaque: nothing in it is an operator or a set.
  const extended = Object.entries({ ...record.extended, ...change.extended });
  record.extended = Object.fromEntries(extended.filter(([, value]) => value !== null));
  for (const [listId, block] of Object.entries(change.list ?? {})) {
    if (Object.keys(block).length > 0) possible = patchBlock((record.list[listId] ??= {}), block) && possible;
  }
  return possible;
}

/** The content of a new record: it has no values to clear, to remove from or to add to. */
export function newRecord(
  objectType: string,
  { default: properties = {}, list = {}, extended = {} }: ModelChange,
): ModelRecord {
  const lists = Object.entries(list).map(([listId, block]) => [listId, contentOf(block)] as const);
  return {
    objectType,
    properties: contentOf(properties),
    list: Object.fromEntries(lists.filter(([, block]) => Object.keys(block).length > 0)),
    extended: Object.fromEntries(Object.entries(extended).filter(([, value]) => value !== null)),
    version: 1,
    deleted: false,
  };
}

function contentOf(block: Block): Block {
  const content = Object.entries(block).filter(
    ([, value]) => value !== null && !(isOperator(value) && value._op === 'remove'),
  );
  const result: Block = {};
  patchBlock(result, Object.fromEntries(content));
  return result;
}

export function changesAnything({ default: properties = {}, list = {}, extended = {} }: ModelChange): boolean {
  return [properties, extended, ...Object.values(list)].some((block) => Object.keys(block).length > 0);
}

function patchBlock(block: Block, change: Block): boolean {
  let possible = true;
  for (const [slug, value] of Object.entries(change)) {
    // The slugs come from the arbitraries.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete
    if (value === null) delete block[slug];
    else if (isIncrement(value)) {
      const sum = exactSum(Number(block[slug] ?? 0), value.by);
      if (sum === undefined) possible = false;
      else block[slug] = sum;
    } else if (isOperator(value)) block[slug] = operate(block[slug], value);
    else block[slug] = Array.isArray(value) ? [...new Set(value)] : value;
  }
  return possible;
}

function isIncrement(value: unknown): value is { _op: 'increment'; by: number } {
  return typeof value === 'object' && value !== null && '_op' in value && value._op === 'increment';
}

interface Operator {
  _op: 'append' | 'remove';
  values: unknown[];
}

function isOperator(value: unknown): value is Operator {
  return typeof value === 'object' && value !== null && '_op' in value;
}

function operate(current: unknown, { _op, values }: Operator): unknown[] {
  const elements: unknown[] = Array.isArray(current) ? current : [];
  return _op === 'append'
    ? [...new Set([...elements, ...values])]
    : elements.filter((element) => !values.includes(element));
}
