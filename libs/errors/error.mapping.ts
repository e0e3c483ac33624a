import { HttpException } from '@nestjs/common';
import { RequestError } from './request.error';
import type { RequestErrorCode } from './request-error.catalogue';

/** The codes for the statuses of errors that Nest and Fastify throw. Any other 4xx is `invalid_request`. */
const CODES_BY_STATUS: Readonly<Partial<Record<number, RequestErrorCode>>> = {
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
};

/**
 * Converts anything thrown to a request error. An error without a 4xx status is `internal`. The message of the error, which may
 * have internal details, is only in `cause`.
 */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const status = statusOf(error);
  const code = CODES_BY_STATUS[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : 'internal');
  return new RequestError(code, undefined, { cause: error });
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (!(error instanceof Error)) return 500;
  const { statusCode } = error as { statusCode?: unknown }; // Fastify sets it on the error of an interrupted body.
  return typeof statusCode === 'number' ? statusCode : 500;
}
