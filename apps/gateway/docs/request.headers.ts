import { ApiHeader } from '@nestjs/swagger';

/** `Idempotency-Key`, on operations that change something. */
export const idempotencyKey = ApiHeader({
  name: 'idempotency-key',
  description:
    '1 to 255 printable ASCII characters, unique among the requests of the application. It stands for the method, path, query, If-Match and body of the request: the same request with the same key takes effect once and gets the same response, another request with it gets 409 `idempotency_key_mismatch`.',
  schema: { type: 'string', minLength: 1, maxLength: 512 },
});

export const timeout = ApiHeader({
  name: 'x-request-timeout-ms',
  description: 'How long the caller waits, in milliseconds. The answer leaves before.',
  schema: { type: 'integer', minimum: 1 },
});

/** What the official SDKs send by themselves. */
export const sdkTimeout = ApiHeader({
  name: 'x-stainless-read-timeout',
  description:
    'How long the caller waits, in seconds, as the official SDKs say it by themselves; `x-stainless-timeout` means the same. Of several, the shortest counts. One that is no number above 0 is ignored.',
  schema: { type: 'number', minimum: 0 },
});

export const traceparent = ApiHeader({
  name: 'traceparent',
  description:
    'W3C Trace Context: where the caller is in which trace. Log lines have its trace, and so have spans, if this gateway sends any; `tracestate` goes with them.',
  schema: { type: 'string' },
});

export const requestId = ApiHeader({
  name: 'x-request-id',
  description: 'A name for this request, in its answer and in every log line of it. Without one, it gets a UUIDv7.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' },
});

export const ifMatch = ApiHeader({
  name: 'if-match',
  description: 'The etag that the record must still have, or `*`.',
  schema: { type: 'string' },
});
