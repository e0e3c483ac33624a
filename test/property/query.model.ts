import { isObject } from '#libs/json';
import { definitions, listId, type QueryDraft, type StoredRow } from './query.arbitraries';

/** The ids that a query must return, in order: computed in memory, from what the client sent. */
export function expectedIds(rows: readonly StoredRow[], query: QueryDraft): string[] {
  const all = rows.filter(
    (row) =>
      (query.deleted || !row.deleted) &&
      (!query.inList || row.block !== null) &&
      (query.filter.length === 0 || combined(query.filter, query.combinator, (each) => meets(row, each, query.inList))),
  );
  return all.sort((a, b) => compareRows(a, b, query)).map(({ id }) => id);
}

function combined<T>(list: readonly T[], combinator: string, test: (each: T) => boolean): boolean {
  return combinator === 'OR' ? list.some(test) : list.every(test);
}

function meets(row: StoredRow, condition: unknown, inList: boolean): boolean {
  return Object.entries(condition as object).every(([key, value]) => {
    if (Array.isArray(value)) return combined(value, key, (each) => meets(row, each, inList));
    const property = propertyOf(row, key, inList);
    return Object.entries(value as object).every(([operator, operand]) => compares(property, operator, operand));
  });
}

interface Property {
  type: string;
  stored: unknown;
}

function propertyOf(row: StoredRow, slug: string, inList: boolean): Property {
  if (slug === 'created_at') return { type: 'date', stored: row.createdAt };
  if (slug === 'id') return { type: 'str', stored: row.id };
  const own = inList ? definitions.find((each) => each.slug === slug && each.list_id === listId) : undefined;
  const type = (own ?? definitions.find((each) => each.slug === slug && each.list_id === null))?.type ?? '';
  return { type, stored: (own === undefined ? row.properties : (row.block ?? {}))[slug] };
}

function compares({ type, stored }: Property, operator: string, operand: unknown): boolean {
  const isPresent = stored !== undefined && stored !== null;
  const affirmed = operand !== false && operand !== 'false';
  const operands = [operand].flat().map((each) => operandOf(type, each));
  const compared = (test: (order: number) => boolean): boolean => {
    const value = comparable(type, stored);
    return value !== undefined && operands[0] !== undefined && test(order(value, operands[0]));
  };
  const elements = Array.isArray(stored) ? (stored as unknown[]) : [];
  const isMulti = type.startsWith('multi');
  const equals = (): boolean =>
    isMulti
      ? operands.some((each) => elements.includes(each) || stored === each)
      : operands.some((each) => each === comparable(type, stored));
  const texts = isMulti ? elements.map(String) : isPresent ? [textOf(stored)] : [];
  const contains = (): boolean =>
    isMulti
      ? operands.every((each) => elements.includes(each) || stored === each)
      : isPresent && operands.every((each) => textOf(stored).includes(String(each)));
  switch (operator) {
    case '=':
    case 'in':
      return equals();
    case '!=':
    case 'not_in':
      return !equals();
    case '<':
      return compared((n) => n < 0);
    case '<=':
      return compared((n) => n <= 0);
    case '>':
      return compared((n) => n > 0);
    case '>=':
      return compared((n) => n >= 0);
    case 'between':
      return compared((n) => n >= 0) && order(comparable(type, stored), operands[1]) <= 0;
    case 'contains':
      return contains();
    case 'not_contains':
      return !contains();
    case 'begins_with':
      return texts.some((text) => text.startsWith(String(operands[0])));
    case 'ends_with':
      return texts.some((text) => text.endsWith(String(operands[0])));
    case 'exists':
    case 'is_not_null':
      return isPresent === affirmed;
    case 'not_exists':
    case 'is_null':
      return isPresent !== affirmed;
    default:
      throw new Error(`the model does not know ${operator}`);
  }
}

/** What a stored value is compared as; undefined if it is not of its type. */
function comparable(type: string, stored: unknown): unknown {
  if (stored === undefined || stored === null) return undefined;
  if (type === 'num') return typeof stored === 'number' ? stored : undefined;
  if (type === 'bool') return typeof stored === 'boolean' ? stored : undefined;
  if (type === 'date') return typeof stored === 'string' ? timeOf(stored) : undefined;
  if (type === 'jsonb') return stored;
  return textOf(stored);
}

function operandOf(type: string, operand: unknown): unknown {
  if (type === 'num') return Number(operand);
  if (type === 'bool') return operand === true || operand === 'true';
  if (type === 'date') return timeOf(String(operand));
  if (type.includes('select')) {
    const options = definitions.find((each) => each.type === type)?.options ?? [];
    return options.find(({ id }) => id === operand)?.slug ?? operand;
  }
  return operand;
}

function timeOf(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)(?:$|T)/i.exec(text);
  const time = Date.parse(text.toUpperCase());
  // Date.parse takes 30 February for 2 March.
  const day = match?.[1];
  return day === undefined || Number.isNaN(time) || new Date(day).toISOString().slice(0, 10) !== day ? undefined : time;
}

function textOf(stored: unknown): string {
  return typeof stored === 'string' ? stored : JSON.stringify(stored);
}

/** By number, by time, or by code point, which is the order of the bytes in UTF-8. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));
}

function compareRows(a: StoredRow, b: StoredRow, { sort, inList }: QueryDraft): number {
  const keys = sort.flatMap((each) => Object.entries(each));
  const created = keys.find(([slug]) => slug === 'created_at');
  const way = created?.[1] ?? 'desc';
  const complete = [...keys, ...(created === undefined ? [['created_at', 'desc'] as const] : []), ['id', way] as const];
  for (const [slug, direction] of complete) {
    const [x, y] = [a, b].map((row) => sortValue(propertyOf(row, slug, inList)));
    if (x === undefined || y === undefined) {
      if (x !== y) return x === undefined ? 1 : -1;
      continue;
    }
    const compared = order(x, y);
    if (compared !== 0) return direction === 'asc' ? compared : -compared;
  }
  return 0;
}

/** The first 256 characters of a text. */
function sortValue({ type, stored }: Property): unknown {
  const value = comparable(type, stored);
  return typeof value === 'string' ? Array.from(value).slice(0, 256).join('') : isObject(value) ? undefined : value;
}
