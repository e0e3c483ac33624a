import { ProblemException } from '#libs/problems';
import { conditionOf, uuidOf } from '#libs/records';

/**
 * The record id in a path, in lower case. Call it where the record would be looked up: other mistakes of the request are
 * reported first, as for an id that does not exist.
 *
 * @throws ProblemException `not_found` for an id that is no UUID
 */
export function recordIdOf(given: string): string {
  const id = uuidOf(given);
  if (id === undefined) throw new ProblemException('not_found');
  return id;
}

/**
 * The version that `If-Match` asks for; undefined where any will do.
 *
 * @throws ProblemException `invalid_request` for a header that is neither an etag nor `*`
 */
export function ifMatchOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const condition = conditionOf(header.trim());
  if (condition === 'malformed') {
    throw invalid('.header.if-match', 'etag', 'If-Match must be * or one etag in its quotes, such as "8"');
  }
  return condition.version;
}

function invalid(field: string, code: string, message: string): ProblemException {
  return new ProblemException('invalid_request', message, { errors: [{ field, code, message }] });
}
