/** One way in which a whole request is refused. */
export interface RequestErrorKind {
  readonly status: number;
  /** What the caller reads where the thrower says nothing more precise. */
  readonly message: string;
  readonly when: string;
  /** What the caller does about it. */
  readonly mend: string;
  /** Answered with `Retry-After`. */
  readonly retryAfter?: true;
  /** The value of `x-should-retry`, which overrides what clients do with this status by default. */
  readonly shouldRetry?: boolean;
  /** Members of `details`, with their meaning. */
  readonly details?: Readonly<Record<string, string>>;
  /** Further headers that the answer always has. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The closed list of codes with which a request is refused. Published: a code is never renamed or given another meaning. */
export const REQUEST_ERRORS = {
  invalid_json: {
    status: 400,
    message: 'The body is not valid JSON.',
    when: 'The body is not JSON, nests deeper than 32, or has a `__proto__` or `constructor.prototype` member.',
    mend: 'Correct the body.',
  },
  invalid_request: {
    status: 400,
    message: 'The request is not valid.',
    when: 'The path, query, a header or the body breaks a rule; nothing was attempted. With status 408: the request did not arrive in time; with 431: its headers are too large.',
    mend: 'Correct what `errors` names.',
  },
  unauthorized: {
    status: 401,
    message: 'No API key was sent. Send yours in the x-api-key header.',
    when: 'There is no API key.',
    mend: 'Send the key in `x-api-key`.',
    headers: { 'www-authenticate': 'ApiKey realm="prism"' },
  },
  forbidden: {
    status: 403,
    message: 'The API key does not permit this.',
    when: 'The API key is unknown, revoked or expired, lacks the scope, or is of another team.',
    mend: 'Use a live key of this team with the scope.',
  },
  not_found: {
    status: 404,
    message: 'There is no such resource.',
    when: 'No such route, record, job or definition, or not in this team.',
    mend: 'Check the path and the id.',
  },
  method_not_allowed: {
    status: 405,
    message: 'The resource does not support this method.',
    when: 'The path exists, but not with this method.',
    mend: 'Use a method that `Allow` lists.',
  },
  multiple_matches: {
    status: 409,
    message: 'More than one record has this value.',
    when: 'A look-up by value found several records.',
    mend: 'Address the record by its id.',
    shouldRetry: false,
  },
  idempotency_key_mismatch: {
    status: 409,
    message: 'This Idempotency-Key was used with another request.',
    when: 'The key is live and belongs to a request with another method, path or body.',
    mend: 'Use a new key for a new request.',
    shouldRetry: false,
  },
  idempotency_key_stale: {
    status: 409,
    message: 'This Idempotency-Key is past its lifetime.',
    when: 'The key was used before, longer ago than its lifetime.',
    mend: 'Find out whether the first request took effect; if not, send it with a new key.',
    shouldRetry: false,
  },
  idempotency_key_in_use: {
    status: 409,
    message: 'The first request with this Idempotency-Key is still running.',
    when: 'The same request with the same key has not been answered yet.',
    mend: 'Wait for `Retry-After`, then send the same again with the same key.',
    retryAfter: true,
    shouldRetry: true,
  },
  conflict: {
    status: 409,
    message: 'Another record has this value, which must be unique.',
    when: 'A uniqueness rule refused the change of a single record.',
    mend: 'Send another value, or change the record that has it.',
    shouldRetry: false,
  },
  property_in_use: {
    status: 409,
    message: 'The property is in use.',
    when: 'The definition cannot be removed or changed while records use it.',
    mend: 'Clear the property from its records first.',
    shouldRetry: false,
  },
  property_conflict: {
    status: 409,
    message: 'A property with this slug exists.',
    when: 'The object type or list has a property or option with this slug.',
    mend: 'Choose another slug, or use the one that exists.',
    shouldRetry: false,
  },
  precondition_failed: {
    status: 412,
    message: 'The record is not at the version that If-Match names.',
    when: "`If-Match` is not the record's current `etag`.",
    mend: 'Read the record, decide again, and send its new `etag`.',
  },
  payload_too_large: {
    status: 413,
    message: 'The body is too large.',
    when: 'The body is over `BODY_LIMIT_BYTES`.',
    mend: 'Send less at once: split the batch.',
    details: { limit_bytes: 'the largest body that is accepted' },
  },
  unsupported_media_type: {
    status: 415,
    message: 'The body must be application/json.',
    when: 'The content type of the body is not `application/json`.',
    mend: 'Send JSON, with `content-type: application/json`.',
  },
  rate_limited: {
    status: 429,
    message: 'A rate limit of this application is exceeded. Nothing was done.',
    when: 'The application exceeds its rate limit in items, requests or bytes; the message names it. Nothing was done.',
    mend: 'Wait for `Retry-After`, then send the same again. `RateLimit` reports what is available.',
    retryAfter: true,
  },
  internal: {
    status: 500,
    message: 'Something went wrong on our side. It is logged under the request id.',
    when: 'A fault of ours.',
    mend: 'Report the `request_id`. A write with an `Idempotency-Key` can be sent again safely.',
  },
  unavailable: {
    status: 503,
    message: 'The service cannot answer right now.',
    when: 'The database cannot be reached, or the process is stopping or overloaded.',
    mend: 'Wait for `Retry-After`, then send the same again, with the same `Idempotency-Key`.',
    retryAfter: true,
  },
} as const satisfies Readonly<Record<string, RequestErrorKind>>;

export type RequestErrorCode = keyof typeof REQUEST_ERRORS;

/** The kind behind a code, with the optional members that the catalogue's exact type hides. */
export function errorKind(code: RequestErrorCode): RequestErrorKind {
  return REQUEST_ERRORS[code];
}
