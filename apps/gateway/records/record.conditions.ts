import { ProblemException } from '#libs/problems';
import { conditionOf, uuidOf } from '#libs/records';

/** @throws ProblemException `invalid_request` for an id that is no UUID */
export function recordIdOf(given: string): string {
  const id = uuidOf(given);
  if (id === undefined) throw invalid('.path.id', 'uuid', 'the id in the path must be a UUID');
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
