import { isObject } from '#libs/json';
import { invalidQuery } from './query.error';
import { CREATED_AT, pathBelow, type QueryField, type QueryFields, RECORD_ID } from './query.fields';

/** The cursor holds a value of each. */
const MAX_SORT_KEYS = 5;

export interface SortKey {
  readonly field: QueryField;
  readonly direction: 'asc' | 'desc';
}

const NEWEST_FIRST: SortKey = { field: CREATED_AT, direction: 'desc' };

/**
 * The complete order of a query: the keys of `sort`, then newest first, then by id. So every two records have an order, and a
 * cursor is a position. If `sort` has `created_at`, ids follow its direction, and one index serves both.
 *
 * @param sort `[{ slug: direction }]`; undefined for the default order
 * @throws RequestError `invalid_request`
 */
export function sortOrderOf(sort: unknown, fields: QueryFields, path: string): readonly SortKey[] {
  const keys = sort === undefined ? [] : keysOf(sort, fields, path);
  if (keys.some(({ field }) => field.source === 'id')) return keys;
  const createdKey = keys.find(({ field }) => field.source === 'created_at');
  const { direction } = createdKey ?? NEWEST_FIRST;
  return [...keys, ...(createdKey === undefined ? [NEWEST_FIRST] : []), { field: RECORD_ID, direction }];
}

function keysOf(sort: unknown, fields: QueryFields, path: string): SortKey[] {
  if (!Array.isArray(sort)) throw invalidQuery(path, 'array', 'must be an array as [{"name": "asc"}]');
  const pairs = sort.flatMap((element: unknown, index) => {
    const at = pathBelow(path, index);
    if (!isObject(element) || Object.keys(element).length === 0) {
      throw invalidQuery(at, 'object', 'must be an object as {"name": "asc"}');
    }
    if (Object.keys(element).length > MAX_SORT_KEYS) throw tooMany(at);
    return Object.entries(element).map(([slug, direction]) => ({ slug, direction, at: pathBelow(at, slug) }));
  });
  if (pairs.length > MAX_SORT_KEYS) throw tooMany(path);
  const seen = new Set<string>();
  return pairs.map(({ slug, direction, at }) => {
    const key = sortKeyOf(fields.get(slug, at), direction, at);
    if (seen.has(slug)) throw invalidQuery(at, 'duplicate', 'must not be a property that the order already has');
    seen.add(slug);
    return key;
  });
}

function sortKeyOf(field: QueryField, direction: unknown, path: string): SortKey {
  if (direction !== 'asc' && direction !== 'desc') throw invalidQuery(path, 'enum', 'must be "asc" or "desc"');
  if (field.multi || field.comparison === 'json') {
    const type = field.definition?.type ?? '';
    throw invalidQuery(path, 'operator_not_applicable', `cannot sort: values of type ${type} have no order`);
  }
  return { field, direction };
}

function tooMany(path: string): Error {
  return invalidQuery(path, 'max_items', `must have at most ${MAX_SORT_KEYS} properties`);
}
