import { invalidField } from '#libs/errors';
import { etagConditionOf } from '#libs/records';

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
