import { invalidField, RequestError } from '#libs/errors';
import { parseUuid } from '#libs/json';
import { etagConditionOf } from '#libs/records';

/**
 * The record id in a path, in lower case. Call it where the record would be looked up: other mistakes of the request are
 * reported first, as for an id that does not exist.
 *
 * @throws RequestError `not_found` for an id that is no UUID
 */
export function recordIdOf(given: string): string {
  const id = parseUuid(given);
  if (id === undefined) throw new RequestError('not_found');
  return id;
}

/**
 * The etag that `If-Match` requires, without its quotes; undefined if the record must only exist.
 *
 * @throws RequestError `invalid_request` for a header that is neither an etag nor `*`
 */
export function requiredEtagOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const condition = etagConditionOf(header.trim());
  if (condition === 'malformed') {
    const message = 'If-Match must be * or one etag in its quotes, such as "8-64f1c2a3b4d5e"';
    throw invalidField('.header.if-match', 'etag', message);
  }
  return condition.etag;
}
