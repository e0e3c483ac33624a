import { parseUuid } from '#libs/json';
import { invalidQuery } from '#libs/records';

/**
 * The id of a list, in lower case; undefined if none is given.
 *
 * @param field its path in the request, such as `.query.list_id`
 * @throws RequestError `invalid_request` for a text that is no UUID
 */
export function parseListId(text: string | undefined, field: string): string | undefined {
  if (text === undefined) return undefined;
  const id = parseUuid(text);
  if (id === undefined) throw invalidQuery(field, 'uuid', 'must be a list id (UUID)');
  return id;
}
