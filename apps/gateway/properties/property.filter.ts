import { lowerCaseUuid, type PropertyDefinition } from '#libs/properties';
import { invalidParameter, type Query, rejectUnknownParameters, singleParameter } from '../http/query.check';

/** Whether a definition is asked for. */
export type PropertyFilter = (definition: PropertyDefinition) => boolean;

/**
 * The filter that `term` (part of the name or slug, in any case) and `list_id` ask for; without either, all definitions.
 *
 * @throws RequestError `invalid_request` for an unknown or repeated parameter, and a `list_id` that is no UUID
 */
export function propertyFilterOf(query: Query): PropertyFilter {
  rejectUnknownParameters(query, ['term', 'list_id']);
  const term = singleParameter(query, 'term')?.toLowerCase();
  const list = singleParameter(query, 'list_id');
  const listId = list === undefined ? undefined : lowerCaseUuid(list);
  if (listId === null) throw invalidParameter('list_id', 'uuid', 'list_id must be a list id (UUID)');
  return ({ name, slug, list_id }) =>
    (listId === undefined || list_id === listId) &&
    (term === undefined || name.toLowerCase().includes(term) || slug.toLowerCase().includes(term));
}
