import { errorResponse, type RequestError } from '#libs/errors';
import type { WriteResponse } from '#libs/idempotency';

/** What became of a write in the attempt that gets the response. */
export interface WriteAttempt {
  /** Whether no retry can change the outcome: replays then repeat the response. */
  readonly complete: boolean;
  readonly replayed: boolean;
  readonly resumed: boolean;
}

/** A response, which replays repeat if the write is complete. */
export function writeResponse(
  { status, headers, body }: Pick<WriteResponse, 'status' | 'headers' | 'body'>,
  { complete, replayed, resumed }: WriteAttempt,
): WriteResponse {
  return { status, headers, body, cacheable: complete ? { body } : undefined, replayed, resumed };
}

/**
 * The response for an error that replays repeat.
 *
 * @param requestId in the body: of the request that completed the write, or of this one if it is not complete
 */
export function errorWriteResponse(error: RequestError, requestId: string, attempt: WriteAttempt): WriteResponse {
  const { status, headers, body } = errorResponse(error, requestId);
  // The header is that of the current request, even for a replay.
  const others = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'x-request-id'));
  return writeResponse({ status, headers: others, body }, attempt);
}
