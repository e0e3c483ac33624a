import { RequestError } from '#libs/errors';
import { type Condition, invalidQuery, lookupConditionsOf, type QueryTimeout, type RecordQuery } from '#libs/records';

type TimedQuery = Pick<RecordQuery, 'condition' | 'order' | 'fields' | 'ids' | 'deleted'> & { readonly path: string };

/** The number of properties that an error message lists. */
const MAX_LISTED = 5;
const ADVICE =
  'narrow it by id or by a range of created_at, or leave out the sort or include_total. A lookup on a property ("lookup": "indexed") serves = and in';

/**
 * The error of a query that used up its time. If no index serves its conditions or order, the same query would take as long
 * again: `invalid_request`, which clients do not retry by themselves. If the deadline of the request was the limit, or if an index
 * serves the query and the database is slow: `unavailable`.
 */
export function timeoutError({ budgetMs, isRequestDeadline }: QueryTimeout, query: TimedQuery): RequestError {
  const slugs = unindexedOf(query);
  const listed = slugs.slice(0, MAX_LISTED).join(', ') + (slugs.length > MAX_LISTED ? ', …' : '');
  const cause = slugs.length === 0 ? '' : `, because no index serves ${listed}`;
  if (slugs.length > 0 && !isRequestDeadline) {
    return invalidQuery(query.path, 'query_timeout', `did not finish within ${budgetMs} ms${cause}: ${ADVICE}`);
  }
  const remedy = isRequestDeadline ? `Allow the request more time, or ${ADVICE}.` : 'Send it again.';
  return new RequestError('unavailable', `The query did not finish within ${budgetMs} ms${cause}. ${remedy}`);
}

/** What a query uses that no index serves: in the worst case it reads every record of the object type. */
function unindexedOf({ condition, order, fields, ids, deleted }: TimedQuery): string[] {
  if (ids !== undefined) return [];
  const ofList = fields.listId === undefined ? [] : ['list_id'];
  const first = order[0]?.field;
  const ofSort = first === undefined || first.source === 'created_at' ? [] : [first.slug];
  const served = deleted ? [] : lookupConditionsOf(condition).map(({ field }) => field.slug);
  const slugs = [...new Set([...ofList, ...filteredSlugs(condition), ...ofSort])];
  return slugs.filter((slug) => !served.includes(slug));
}

function filteredSlugs(condition: Condition): string[] {
  if ('all' in condition) return condition.all.flatMap(filteredSlugs);
  if ('any' in condition) return condition.any.flatMap(filteredSlugs);
  const { slug, source } = condition.field;
  return source === 'created_at' || source === 'id' ? [] : [slug];
}
