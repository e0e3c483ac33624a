import { HttpException } from '@nestjs/common';
import { errorCodes } from 'fastify';
import { RequestErrorCode } from './request-error.catalogue';
import { RequestError } from './request.error';

const BY_STATUS: Readonly<Partial<Record<number, RequestErrorCode>>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  412: 'precondition_failed',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  503: 'unavailable',
};

/** Fastify's own refusals of which the status alone says too little. */
const BY_FASTIFY_CODE: Readonly<Partial<Record<string, () => RequestError>>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: () => new RequestError('invalid_json'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new RequestError('invalid_json', 'The body is empty.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    refusal('.header.content-length', 'content_length', 'content-length is not the length of the body.'),
  FST_ERR_BAD_URL: () => refusal('.path', 'url', 'The path is not valid percent-encoded UTF-8.'),
  FST_ERR_MAX_PARAM_LENGTH: () => refusal('.path', 'max_length', 'A segment of the path is too long.'),
};

/**
 * Nest passes a Fastify error on as an HttpException that keeps its text but loses its code. The text tells it back:
 * for these codes it is constant.
 */
const FASTIFY_CODE_BY_TEXT: ReadonlyMap<string, string> = new Map(
  [
    errorCodes.FST_ERR_CTP_INVALID_JSON_BODY,
    errorCodes.FST_ERR_CTP_EMPTY_JSON_BODY,
    errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH,
  ].map((FastifyError) => {
    const { message, code } = FastifyError();
    return [message, code];
  }),
);

/** The problem that any thrown thing is to the caller. What is not known to be the caller's doing is `internal`, with the error as its cause. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof HttpException) return fromHttpException(error);
  if (!(error instanceof Error)) return new RequestError('internal', undefined, { cause: error });
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }; // Node's and Fastify's errors have them
  const known = typeof code === 'string' ? BY_FASTIFY_CODE[code] : undefined;
  if (known) return known();
  return typeof statusCode === 'number' ? errorOfStatus(statusCode, error) : errorOfStatus(500, error);
}

function fromHttpException(error: HttpException): RequestError {
  const known = BY_FASTIFY_CODE[FASTIFY_CODE_BY_TEXT.get(error.message) ?? ''];
  return known ? known() : errorOfStatus(error.getStatus(), error);
}

/** The text of the error stays in the log: it is not written for our callers and may name what they must not see. */
function errorOfStatus(status: number, cause: Error): RequestError {
  const byStatus = BY_STATUS[status] ?? (status >= 400 && status < 500 ? 'invalid_request' : 'internal');
  return new RequestError(byStatus, undefined, { cause });
}

function refusal(field: string, code: string, message: string): RequestError {
  return new RequestError('invalid_request', message, { errors: [{ field, code, message }] });
}
