import { fieldSegment } from '#libs/errors';
import type { PropertyDefinition } from '#libs/properties';
import { type Condition, FilterParser, invalidQuery, MAX_PAGE_ROWS, QueryFields, sortOrderOf } from '#libs/records';
import { commaSeparated, invalidParameter, type QueryParameters, singleParameter } from '../http/query.check';
import { parseListId } from '../http/list.id';
import { isPositiveInteger } from '../http/positive.integer';
import type { RecordTarget } from '../http/target.decorator';
import { DEFAULT_LIMIT } from './query.envelope';
import { filterOf, type QueryInput } from './query.input';

const PARAMETERS = ['select', 'sort', 'limit', 'cursor', 'deleted', 'include_total', 'list_id'];

/**
 * Reads the query string of `GET /{team}/{object}`. Any parameter that is not one of its own filters the property of this name:
 * by equality, or as `in` if it is repeated or has commas.
 *
 * @throws RequestError `invalid_request`
 */
export function queryOfParameters(
  target: RecordTarget,
  query: QueryParameters,
  definitions: readonly PropertyDefinition[],
): QueryInput {
  const fields = new QueryFields(definitions, parseListId(singleParameter(query, 'list_id'), '.query.list_id'));
  const cursor = singleParameter(query, 'cursor');
  return {
    ...filterOf(target, fields, filterCondition(query, fields), { deleted: flagOf(query, 'deleted') }),
    selection: fields.checkSelection(slugList(query, 'select'), () => '.query.select'),
    order: sortOrderOf(sortOf(slugList(query, 'sort')), fields, '.query.sort'),
    limit: limitOf(query),
    cursor: cursor === undefined ? undefined : { text: cursor, path: '.query.cursor' },
    page: 1,
    includeTotal: flagOf(query, 'include_total'),
    path: '.query',
  };
}

function filterCondition(query: QueryParameters, fields: QueryFields): Condition {
  const parser = new FilterParser(fields);
  const slugs = Object.keys(query).filter((name) => !PARAMETERS.includes(name));
  return {
    all: slugs.map((slug) => {
      const path = `.query${fieldSegment(slug)}`;
      const values = commaSeparated(query[slug]);
      const [operator, value] = values.length === 1 ? (['=', values[0]] as const) : (['in', values] as const);
      return parser.parseComparison(fields.get(slug, path), operator, value, path);
    }),
  };
}

/** `-updated_at,name` as a query has it. */
function sortOf(slugs: readonly string[] | undefined): unknown {
  return slugs?.map((part) => (part.startsWith('-') ? { [part.slice(1)]: 'desc' } : { [part]: 'asc' }));
}

function slugList(query: QueryParameters, name: 'select' | 'sort'): string[] | undefined {
  if (query[name] === undefined) return undefined;
  const slugs = commaSeparated(query[name]);
  if (slugs.includes('') || slugs.includes('-')) {
    throw invalidParameter(name, 'required', `${name} must be a comma-separated list of property slugs`);
  }
  return slugs;
}

/** Above the maximum it is the maximum. */
function limitOf(query: QueryParameters): number {
  const text = singleParameter(query, 'limit');
  if (text === undefined) return DEFAULT_LIMIT;
  if (!isPositiveInteger(text))
    throw invalidQuery('.query.limit', 'positive_integer', 'must be a positive whole number');
  return Math.min(MAX_PAGE_ROWS, Number(text));
}

function flagOf(query: QueryParameters, name: 'deleted' | 'include_total'): boolean {
  const text = singleParameter(query, name);
  if (text === undefined) return false;
  if (text !== 'true' && text !== 'false') throw invalidParameter(name, 'boolean', `${name} must be true or false`);
  return text === 'true';
}
