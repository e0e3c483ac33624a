import { RequestError } from '#libs/errors';
import { parseUuid } from '#libs/json';

/**
 * The id of a record, property, option or job in a path, in lower case. Call it where what it names would be looked up: other
 * mistakes of the request are reported first, as for an id that does not exist.
 *
 * @throws RequestError `not_found` for an id that is no UUID
 */
export function parsePathId(text: string): string {
  const id = parseUuid(text);
  if (id === undefined) throw new RequestError('not_found');
  return id;
}
