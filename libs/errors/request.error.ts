import { RequestErrorCode, errorKind } from './request-error.catalogue';

/** The most errors that a refused request or item names: a response must not be larger than the mistakes it is about. */
export const MAX_FIELD_ERRORS = 20;

/** One broken rule of a request or an item. */
export interface FieldError {
  /** The path of what broke it: `.body.items`, `.path.id`, `.query.select`, `.header.idempotency-key`; in an item `.default.stage`. */
  field: string;
  /** The name of the rule, e.g. `uuid`, `max_items`. */
  code: string;
  message: string;
}

export interface RequestErrorOptions {
  /** A status more precise than that of the code: 408 and 431 are `invalid_request`. */
  status?: 408 | 431;
  /** Only with `invalid_request`; those beyond {@link MAX_FIELD_ERRORS} are dropped. */
  errors?: FieldError[];
  /** Only what the catalogue defines for the code. */
  details?: Record<string, unknown>;
  /** Names in lower case. `retry-after` is brought to whole seconds within 1 to 60. */
  headers?: Record<string, string>;
  /** For the log; the caller never sees it. */
  cause?: unknown;
}

/** Refuses a whole request with a code of the catalogue. */
export class RequestError extends Error {
  override readonly name: string = 'RequestError';
  readonly status: number;
  readonly errors: readonly FieldError[];
  readonly details: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  /** @param message what the caller reads; without it, what the catalogue says */
  constructor(
    readonly code: RequestErrorCode,
    message?: string,
    extra: RequestErrorOptions = {},
  ) {
    const kind = errorKind(code);
    super(message ?? kind.message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.status = extra.status ?? kind.status;
    this.errors = extra.errors?.slice(0, MAX_FIELD_ERRORS) ?? [];
    this.details = extra.details ?? {};
    this.headers = extra.headers ?? {};
  }
}
