import type { RequestError } from './request.error';
import { errorKind, type RequestErrorKind } from './request-error.catalogue';

interface ErrorResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** The maximum of `Retry-After`. */
export const MAX_RETRY_AFTER_SECONDS = 60;

/** Renders an error response: status, headers and body. Every error of the API has this form. */
export function errorResponse(error: RequestError, requestId: string): ErrorResponse {
  const { code, message, status, errors, details } = error;
  const kind = errorKind(code);
  const content = {
    error: {
      code,
      message,
      request_id: requestId,
      ...(code === 'invalid_request' && errors.length > 0 && { errors }),
      ...(kind.details && Object.keys(details).length > 0 && { details }),
    },
  };
  return { status, headers: responseHeaders(error, kind, requestId), body: JSON.stringify(content) };
}

function responseHeaders(error: RequestError, kind: RequestErrorKind, requestId: string): Record<string, string> {
  return {
    ...kind.headers,
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': requestId,
    ...(kind.retryAfter && { 'retry-after': retryAfter(error.retryAfterSeconds) }),
    ...(kind.shouldRetry !== undefined && { 'x-should-retry': String(kind.shouldRetry) }),
  };
}

/** The value of `Retry-After`: whole seconds, rounded up, 1 to 60. */
function retryAfter(seconds: number): string {
  return String(Math.min(Math.max(Math.ceil(seconds), 1), MAX_RETRY_AFTER_SECONDS));
}
