import { applyDecorators } from '@nestjs/common';
import { ApiResponse, type OpenAPIObject } from '@nestjs/swagger';
import { errorResponse, type RequestErrorCode, RequestError } from '#libs/errors';
import { HEADERS_TOO_LARGE, REQUEST_TIMEOUT } from '../http/client-error.handler';
import { EXAMPLES } from './examples';
import { headerRefs, schemaRef } from './schema.type';

/** Errors of every route. */
const COMMON = ['invalid_request', 'internal', 'unavailable'] as const satisfies readonly RequestErrorCode[];
/** Errors of every route with an API key. */
const AUTHENTICATED = [
  'unauthorized',
  'forbidden',
  'not_found',
  'rate_limited',
] as const satisfies readonly RequestErrorCode[];
const RATE_LIMIT_FIELDS = ['ratelimit-policy', 'ratelimit'];
const WITH_BODY = [
  'invalid_json',
  'payload_too_large',
  'unsupported_media_type',
] as const satisfies readonly RequestErrorCode[];
const WITH_KEY = [
  'idempotency_key_mismatch',
  'idempotency_key_stale',
  'idempotency_key_in_use',
] as const satisfies readonly RequestErrorCode[];

/** Statuses of responses that are sent before rate limits are consulted. */
const BEFORE_RATE_LIMITS: readonly string[] = ['401', '403', '408', '415', '431'];

/** Errors of executed writes. They are stored and replayed for retries with the same key. */
const REPLAYABLE: readonly RequestErrorCode[] = [
  'not_found',
  'precondition_failed',
  'conflict',
  'multiple_matches',
  'property_conflict',
  'payload_too_large',
];

type ResponsesObject = NonNullable<OpenAPIObject['paths'][string]['get']>['responses'];
type ResponseObject = Extract<ResponsesObject[string], { description: string }>;

interface RouteTraits {
  /** The route reads a JSON body. */
  body?: boolean;
  /** The route accepts `Idempotency-Key`. */
  idempotent?: boolean;
}

/** Documents the errors of a route, in addition to those of `commonResponses`. */
export function ApiErrors(
  { body = false, idempotent = false }: RouteTraits,
  ...more: RequestErrorCode[]
): MethodDecorator {
  const codes = [...(body ? WITH_BODY : []), ...(idempotent ? WITH_KEY : []), ...more, 'invalid_request'] as const;
  const timeout = body ? [{ status: REQUEST_TIMEOUT.status, ...responseOf([REQUEST_TIMEOUT]) }] : [];
  return applyDecorators(...[...responsesOf(codes), ...timeout].map((response) => ApiResponse(response)));
}

/** The error responses of every operation, by status. */
export function commonResponses(authenticated: boolean): ResponsesObject {
  const codes = [...COMMON, ...(authenticated ? AUTHENTICATED : [])];
  return Object.fromEntries([
    ...responsesOf(codes).map(({ status, ...response }) => [status, response] as const),
    [HEADERS_TOO_LARGE.status, responseOf([HEADERS_TOO_LARGE])],
  ]);
}

/** Adds `traceresponse` to the responses of an operation. */
export function withTrace(responses: ResponsesObject): ResponsesObject {
  return Object.fromEntries(
    Object.entries(responses as Record<string, ResponseObject>).map(([status, response]) => [
      status,
      { ...response, headers: { ...response.headers, ...headerRefs('traceresponse') } },
    ]),
  );
}

/** Adds the `RateLimit` fields to the responses of an operation with an API key. */
export function withRateLimitFields(responses: ResponsesObject): ResponsesObject {
  return Object.fromEntries(
    Object.entries(responses as Record<string, ResponseObject>).map(([status, response]) => {
      if (BEFORE_RATE_LIMITS.includes(status)) return [status, response];
      return [status, { ...response, headers: { ...response.headers, ...headerRefs(...RATE_LIMIT_FIELDS) } }];
    }),
  );
}

/** One response per status, with an example per code. */
function responsesOf(codes: readonly RequestErrorCode[]): ({ status: number } & ResponseObject)[] {
  const byStatus = new Map<number, RequestError[]>();
  for (const code of codes) {
    const error = new RequestError(code, undefined, EXAMPLES.errors[code]);
    byStatus.set(error.status, [...(byStatus.get(error.status) ?? []), error]);
  }
  return [...byStatus].map(([status, errors]) => ({ status, ...responseOf(errors) }));
}

/** The response of one status, with an example of each of its errors. */
function responseOf(errors: readonly RequestError[]): ResponseObject {
  const responses = errors.map((error) => ({ error, ...errorResponse(error, EXAMPLES.requestId) }));
  return {
    description: errors.map(({ code, message }) => `\`${code}\`: ${message}`).join('\n\n'),
    headers: headerRefs(
      ...responses.flatMap(({ headers }) => Object.keys(headers)),
      ...(errors.some(({ code }) => REPLAYABLE.includes(code)) ? ['idempotent-replay'] : []),
    ),
    content: {
      'application/json': {
        schema: schemaRef('ErrorResponse'),
        examples: Object.fromEntries(
          responses.map(({ error, body }) => [error.code, { value: JSON.parse(body) as unknown }]),
        ),
      },
    },
  };
}
