import type { WriteResponse } from '#libs/idempotency';
import { type ItemError, type RequestErrorCode, RequestError, errorResponse } from '#libs/errors';
import type { AppliedBatch } from '#libs/records';

type Entry =
  | { status: 'ok'; id: string; etag: string; record?: unknown }
  | { status: 'error'; id: string | null; error: ItemError };

/** How a request answers whose only item failed. */
const REQUEST_ERROR_CODES: Partial<Record<ItemError['code'], RequestErrorCode>> = {
  not_found: 'not_found',
  precondition_failed: 'precondition_failed',
  conflict: 'conflict',
  too_large: 'payload_too_large',
  locked: 'unavailable',
  not_attempted: 'unavailable',
  unavailable: 'unavailable',
  outcome_unknown: 'unavailable',
  internal: 'internal',
};

/** Only a record that somebody wrote past the gateway can be so large. */
const RECORD_OMITTED =
  'The record is larger than RESPONSE_LIMIT_BYTES. The request was applied; the record cannot be sent.';

/**
 * The answer of a single write, from the outcome of its one item. A failure that came from executing is an answer like
 * any other, kept for retries; one that a retry may mend is thrown.
 *
 * @throws RequestError `unavailable`, `internal`
 */
export function recordResponse(
  { state, outcomes, completedBy }: AppliedBatch,
  requestId: string,
  success: { status: number; location?: (id: string) => string },
): WriteResponse {
  const entry = JSON.parse(outcomes[0]?.entry ?? 'null') as Entry; // made by apply_item
  const replayed = outcomes[0]?.replayed === true;
  const rest = { replayed, resumed: state === 'resumed' && !replayed };
  if (entry.status === 'error') {
    const error = fromItemError(entry.error);
    if (error.status >= 500) throw error;
    const response = errorResponse(error, completedBy ?? requestId);
    return { ...response, cacheable: cacheableOf(completedBy, response.body), ...rest };
  }
  if (entry.record === undefined) throw new RequestError('payload_too_large', RECORD_OMITTED);
  const body = JSON.stringify(entry.record);
  const headers = { etag: entry.etag, ...(success.location && { location: success.location(entry.id) }) };
  return { status: success.status, headers, body, cacheable: cacheableOf(completedBy, body), ...rest };
}

/** The request's error for its one item's: fields are named from the body's root. */
export function fromItemError(error: ItemError): RequestError {
  const code = REQUEST_ERROR_CODES[error.code] ?? 'invalid_request';
  // A client that repeated the request by itself could apply the change twice.
  const headers = error.code === 'outcome_unknown' ? { 'x-should-retry': 'false' } : {};
  if (code !== 'invalid_request') {
    return new RequestError(code, code === 'unavailable' ? error.message : undefined, { headers });
  }
  const errors = error.errors?.map((field) => ({ ...field, field: `.body${field.field}` })) ?? [];
  return new RequestError(code, error.message, { errors });
}

function cacheableOf(completedBy: string | undefined, body: string): WriteResponse['cacheable'] {
  return completedBy === undefined ? undefined : { body };
}
