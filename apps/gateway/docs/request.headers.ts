import { applyDecorators } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';

/** `Idempotency-Key` of write operations. */
export const idempotencyKey = ApiHeader({
  name: 'idempotency-key',
  description:
    '1 to 255 printable ASCII characters, unique among the requests of the client. It stands for the method, path, query, If-Match and body of the request: the same request with the same key is applied once and gets the same response; another request with the key gets 409 `idempotency_key_mismatch`.',
  schema: { type: 'string', minLength: 1, maxLength: 512 },
});

const timeout = ApiHeader({
  name: 'x-request-timeout-ms',
  description: 'The deadline of the request, in milliseconds. The response is sent before it.',
  schema: { type: 'integer', minimum: 1 },
});

/** Sent by the official SDKs. */
const sdkTimeout = ApiHeader({
  name: 'x-stainless-read-timeout',
  description:
    'The deadline in seconds, as the official SDKs send it; `x-stainless-timeout` means the same. The shortest one applies. A value that is not a positive number is ignored.',
  schema: { type: 'number', minimum: 0 },
});

const traceparent = ApiHeader({
  name: 'traceparent',
  description:
    'W3C Trace Context. The log line and the spans of the request belong to this trace; `tracestate` is propagated.',
  schema: { type: 'string' },
});

const requestId = ApiHeader({
  name: 'x-request-id',
  description: 'An id of the request, for its response and log lines. By default a UUIDv7.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' },
});

/** Headers of every operation with an API key. */
export const commonHeaders = applyDecorators(timeout, sdkTimeout, requestId, traceparent);

export const ifMatch = ApiHeader({
  name: 'if-match',
  description: 'The etag that the record must have, or `*`.',
  schema: { type: 'string' },
});
