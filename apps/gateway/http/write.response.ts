import { errorResponse, type RequestError } from '#libs/errors';
import type { WriteResponse } from '#libs/idempotency';

/** The attempt that a response is for. */
export interface WriteAttempt {
  /** The request whose attempt completed the write; undefined if it is not complete. */
  readonly completedBy: string | undefined;
  readonly replayed: boolean;
  readonly resumed: boolean;
}

/** A response, which replays repeat if the write is complete. */
export function writeResponse(
  { status, headers, body }: Pick<WriteResponse, 'status' | 'headers' | 'body'>,
  { completedBy, replayed, resumed }: WriteAttempt,
): WriteResponse {
  return { status, headers, body, cacheable: completedBy === undefined ? undefined : { body }, replayed, resumed };
}

/** The response for an error that replays repeat. Its body has the id of the request that completed the write. */
export function errorWriteResponse(error: RequestError, requestId: string, attempt: WriteAttempt): WriteResponse {
  const { status, headers, body } = errorResponse(error, attempt.completedBy ?? requestId);
  // The header is that of the current request, even for a replay.
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-request-id'));
  return writeResponse({ status, headers: others, body }, attempt);
}
