/** How a request can be rejected. */
export interface RequestErrorKind {
  readonly status: number;
  /** The default message. */
  readonly message: string;
  /** When it occurs; for the reference. */
  readonly when: string;
  /** What the caller can do; for the reference. */
  readonly remedy: string;
  /** The response has `Retry-After`. */
  readonly retryAfter?: true;
  /** The value of `x-should-retry`, which overrides what clients do with this status by default. */
  readonly shouldRetry?: boolean;
  /** Members of `details`, with their meaning. */
  readonly details?: Readonly<Record<string, string>>;
  /** Headers that the response always has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** All request error codes. Published: a code is never renamed or given another meaning. */
export const REQUEST_ERRORS = {
  invalid_json: {
    status: 400,
    message: 'The body is not valid JSON.',
    when: 'The body is not JSON, is nested deeper than 32 levels, has a member `__proto__` or `constructor.prototype`, or has an object or array with too many members or elements.',
    remedy: 'Correct the body.',
  },
  invalid_request: {
    status: 400,
    message: 'The request is not valid.',
    when: 'The path, the query, a header or the body is not valid. Nothing was attempted. Status 408: the request did not arrive in time. Status 431: its headers are too large.',
    remedy: 'Correct the fields in `errors`.',
  },
  unauthorized: {
    status: 401,
    message: 'The request has no API key. Send one in the x-api-key header.',
    when: 'The request has no API key.',
    remedy: 'Send the key in the `x-api-key` header.',
    headers: { 'www-authenticate': 'ApiKey realm="prism"' },
  },
  forbidden: {
    status: 403,
    message: 'The API key does not allow this request.',
    when: 'The API key is unknown, revoked or expired, does not have the scope, or belongs to another team.',
    remedy: 'Use a valid key of this team that has the scope.',
  },
  not_found: {
    status: 404,
    message: 'The resource does not exist.',
    when: 'The team has no such record, job or property, the client has no receipt of the key, or there is no such route.',
    remedy: 'Check the path and the id.',
  },
  method_not_allowed: {
    status: 405,
    message: 'The resource does not support this method.',
    when: 'The path exists, but not with this method.',
    remedy: 'Use a method that `Allow` lists.',
  },
  multiple_matches: {
    status: 409,
    message: 'More than one record has this value.',
    when: 'A lookup by value found several records.',
    remedy: 'Address the record by its id.',
    shouldRetry: false,
  },
  idempotency_key_mismatch: {
    status: 409,
    message: 'This Idempotency-Key was used with another request.',
    when: 'The key was used within its lifetime with another method, path, query, `If-Match` or body.',
    remedy: 'Use a new key for a new request.',
    shouldRetry: false,
  },
  idempotency_key_stale: {
    status: 409,
    message: 'This Idempotency-Key has expired.',
    when: 'The key was first used longer ago than its lifetime.',
    remedy: 'Find out whether the first request took effect; if not, send it with a new key.',
    shouldRetry: false,
  },
  idempotency_key_in_use: {
    status: 409,
    message: 'A request with this Idempotency-Key is still running.',
    when: 'The same request with the same key is still running.',
    remedy: 'Wait for `Retry-After`, then send the same request with the same key.',
    retryAfter: true,
    shouldRetry: true,
  },
  conflict: {
    status: 409,
    message: 'Another record has this value, which must be unique.',
    when: 'The change of a single record violates a uniqueness rule.',
    remedy: 'Send another value, or change the record that has this one.',
    shouldRetry: false,
  },
  property_in_use: {
    status: 409,
    message: 'The property is in use.',
    when: 'The property or option cannot be deleted, because live or deleted records have it.',
    remedy: 'Clear the property from its records first.',
    shouldRetry: false,
  },
  property_conflict: {
    status: 409,
    message: 'A property with this slug exists.',
    when: 'The slug or name is taken by another property of the object type or list, or by another option of the property; the property is built in or locked; or the team has the maximum number of properties or options.',
    remedy: 'Choose another slug or name, or use the existing property.',
    shouldRetry: false,
  },
  precondition_failed: {
    status: 412,
    message: 'If-Match is not the current etag of the record.',
    when: "`If-Match` is not the record's current `etag`.",
    remedy: 'Read the record, and send the change with its new `etag`.',
  },
  payload_too_large: {
    status: 413,
    message: 'The body, or the record after the change, is too large.',
    when: 'The body is larger than `BODY_LIMIT_BYTES`. Or a single write is larger than `ITEM_LIMIT_BYTES`, or would make its record larger than `RECORD_LIMIT_BYTES`. Or the rows of an import are too large in the form in which they are stored.',
    remedy: 'Split the batch or the import, or make the record smaller.',
    details: { limit_bytes: 'the size limit that is exceeded' },
  },
  unsupported_media_type: {
    status: 415,
    message: 'The body must be application/json.',
    when: 'The content type of the body is not `application/json`.',
    remedy: 'Send JSON, with `content-type: application/json`.',
  },
  rate_limited: {
    status: 429,
    message: 'A rate limit of the client is exceeded. Nothing was done.',
    when: 'The client exceeded its rate limit of items, requests or bytes; it has `IMPORT_MAX_JOBS` unfinished imports; or its address sent too many invalid API keys. The message says which. Nothing was done.',
    remedy: 'Wait for `Retry-After`, then send the same request. The `RateLimit` header says how much is left.',
    retryAfter: true,
  },
  internal: {
    status: 500,
    message: 'An internal error occurred. It is logged with the request id.',
    when: 'An internal error.',
    remedy: 'Report the `request_id`. A write with an `Idempotency-Key` is safe to retry.',
  },
  unavailable: {
    status: 503,
    message: 'The service is temporarily unavailable.',
    when: 'The database is unavailable, or the gateway is overloaded or stopping.',
    remedy: 'Wait for `Retry-After`, then send the same request with the same `Idempotency-Key`.',
    retryAfter: true,
  },
} as const satisfies Readonly<Record<string, RequestErrorKind>>;

export type RequestErrorCode = keyof typeof REQUEST_ERRORS;

/** The catalogue entry of a code, with the optional members that the catalogue's exact type omits. */
export function errorKind(code: RequestErrorCode): RequestErrorKind {
  return REQUEST_ERRORS[code];
}
