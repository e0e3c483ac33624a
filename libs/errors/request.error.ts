import { type FieldError, MAX_FIELD_ERRORS } from './field.error';
import { errorKind, type RequestErrorCode } from './request-error.catalogue';

export interface RequestErrorOptions {
  /** A status more precise than that of the code: 408 and 431 are `invalid_request`. */
  status?: 408 | 431;
  /** Only with `invalid_request`. Errors beyond {@link MAX_FIELD_ERRORS} are dropped. */
  errors?: FieldError[];
  /** Only the members that the catalogue defines for the code. */
  details?: Record<string, unknown>;
  /** How long the client should wait before it sends the request again; 1 by default. Only with codes that have `Retry-After`. */
  retryAfterSeconds?: number;
  /** Names in lower case. */
  headers?: Record<string, string>;
  /** Written to the log, never to the response. */
  cause?: unknown;
}

/** Rejects a request with a code of the catalogue. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError';
  readonly status: number;
  readonly errors: readonly FieldError[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param message by default the message of the catalogue */
  constructor(
    readonly code: RequestErrorCode,
    message?: string,
    options: RequestErrorOptions = {},
  ) {
    const kind = errorKind(code);
    super(message ?? kind.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status ?? kind.status;
    this.errors = options.errors?.slice(0, MAX_FIELD_ERRORS) ?? [];
    this.details = options.details ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds ?? 1;
    this.headers = options.headers ?? {};
  }
}

/** An `invalid_request` error for one field. @param code the name of the rule that the field breaks */
export function invalidField(field: string, code: string, message: string): RequestError {
  return new RequestError('invalid_request', message, { errors: [{ field, code, message }] });
}
