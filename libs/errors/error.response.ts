import { RequestErrorKind, errorKind } from './request-error.catalogue';
import { RequestError } from './request.error';

interface ErrorResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

const MAX_RETRY_AFTER_SECONDS = 60;

/** Renders the error envelope and its headers. Every answer that is no success is made here. */
export function errorResponse(requestError: RequestError, requestId: string): ErrorResponse {
  const { code, message, status, errors, details } = requestError;
  const kind = errorKind(code);
  const error = {
    code,
    message,
    request_id: requestId,
    ...(code === 'invalid_request' && errors.length > 0 && { errors }),
    ...(kind.details && Object.keys(details).length > 0 && { details }),
  };
  return { status, headers: headersOf(requestError, kind, requestId), body: JSON.stringify({ error }) };
}

function headersOf(error: RequestError, kind: RequestErrorKind, requestId: string): Record<string, string> {
  return {
    ...kind.headers,
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'x-request-id': requestId,
    ...(kind.retryAfter && { 'retry-after': wholeSeconds(error.headers['retry-after']) }),
    ...(kind.shouldRetry !== undefined && { 'x-should-retry': String(kind.shouldRetry) }),
  };
}

function wholeSeconds(asked: string | undefined): string {
  const seconds = Math.ceil(Number(asked ?? 1));
  return String(Number.isNaN(seconds) ? 1 : Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS));
}
