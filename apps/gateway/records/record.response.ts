import type { WriteResponse } from '#libs/idempotency';
import { type ItemError, RequestError, type RequestErrorCode } from '#libs/errors';
import { type AppliedBatch, parseEntry } from '#libs/records';
import type { RecordTarget } from '../http/target.decorator';
import { errorWriteResponse, writeResponse } from '../http/write.response';

/** The request error for the error of its only item; others are `invalid_request`. */
const REQUEST_ERROR_CODES: Partial<Record<ItemError['code'], RequestErrorCode>> = {
  not_found: 'not_found',
  precondition_failed: 'precondition_failed',
  conflict: 'conflict',
  multiple_matches: 'multiple_matches',
  too_large: 'payload_too_large',
  locked: 'unavailable',
  not_attempted: 'unavailable',
  unavailable: 'unavailable',
  outcome_unknown: 'unavailable',
  internal: 'internal',
};

/** Only a record that was not written by the gateway can be so large. */
const RECORD_OMITTED =
  'The record is larger than RESPONSE_LIMIT_BYTES. The request was applied; the record cannot be sent.';

/**
 * The response of a single write, from the outcome of its one item. An error that a retry may cure is thrown; any other one
 * is a response that replays repeat.
 *
 * @throws RequestError `unavailable`, `internal`
 */
export function recordResponse(
  { state, outcomes, completedBy }: AppliedBatch,
  requestId: string,
  success: { status: number; location?: (id: string) => string },
): WriteResponse {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error('a write of one item has no outcome');
  const entry = parseEntry(outcome.entry);
  const { replayed } = outcome;
  const attempt = { complete: completedBy !== undefined, replayed, resumed: state === 'resumed' && !replayed };
  if (entry.status === 'error') {
    const error = fromItemError(entry.error);
    if (error.status >= 500) throw error;
    return errorWriteResponse(error, completedBy ?? requestId, attempt);
  }
  // A DELETE has no Idempotency-Key, so it is never replayed.
  if (success.status === 204) return writeResponse({ status: 204, headers: {}, body: '' }, attempt);
  if (entry.record === undefined || entry.etag === undefined)
    throw new RequestError('payload_too_large', RECORD_OMITTED);
  const body = JSON.stringify(entry.record);
  const headers = { etag: entry.etag, ...(success.location && { location: success.location(entry.id) }) };
  return writeResponse({ status: success.status, headers, body }, attempt);
}

/** Makes the path of a record from its id. */
export function locationIn({ teamId, objectType }: RecordTarget): (id: string) => string {
  return (id) => `/v2/prism/${teamId}/${objectType}/${id}`;
}

/** The request error for an item error. Fields are relative to the body. */
export function fromItemError(error: ItemError): RequestError {
  const code = REQUEST_ERROR_CODES[error.code] ?? 'invalid_request';
  // A client that retried by itself could apply the change twice.
  const headers = error.code === 'outcome_unknown' ? { 'x-should-retry': 'false' } : {};
  if (code !== 'invalid_request') {
    return new RequestError(code, code === 'unavailable' ? error.message : undefined, { headers });
  }
  const errors = error.errors?.map((field) => ({ ...field, field: `.body${field.field}` })) ?? [];
  return new RequestError(code, error.message, { errors });
}
