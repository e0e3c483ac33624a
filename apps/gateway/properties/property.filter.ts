import type { PropertyDefinition } from '#libs/properties';
import { parseListId } from '../http/list.id';
import { type QueryParameters, rejectUnknownParameters, singleParameter } from '../http/query.check';

/** Whether a definition is part of the response. */
export type PropertyFilter = (definition: PropertyDefinition) => boolean;

/**
 * The filter of the query parameters `term` (part of the name or slug, case ignored) and `list_id`.
 *
 * @throws RequestError `invalid_request` for an unknown or repeated parameter, or a `list_id` that is not a UUID
 */
export function propertyFilterOf(query: QueryParameters): PropertyFilter {
  rejectUnknownParameters(query, ['term', 'list_id']);
  const term = singleParameter(query, 'term')?.toLowerCase();
  const listId = parseListId(singleParameter(query, 'list_id'), '.query.list_id');
  return ({ name, slug, list_id }) =>
    (listId === undefined || list_id === listId) &&
    (term === undefined || name.toLowerCase().includes(term) || slug.toLowerCase().includes(term));
}
