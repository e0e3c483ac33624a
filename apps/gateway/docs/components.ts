import type { OpenAPIObject } from '@nestjs/swagger';
import { BATCH_SCHEMAS } from './batch.schemas';
import { HEALTH_SCHEMAS } from './health.schemas';
import { ERROR_SCHEMAS } from './error.schemas';
import { IMPORT_SCHEMAS } from './import.schemas';
import { QUERY_SCHEMAS } from './query.schemas';
import { RECORD_SCHEMAS } from './record.schemas';

type Components = NonNullable<OpenAPIObject['components']>;

/** Response headers, by name. */
const headers: NonNullable<Components['headers']> = {
  'x-request-id': {
    description:
      'The `x-request-id` of the request if it is valid, otherwise a new UUIDv7. Every log line of the request has it.',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: 128 },
  },
  traceresponse: {
    description:
      'The trace and span of the request, as in the draft of W3C Trace Context, Level 3. Only if the gateway exports traces.',
    schema: { type: 'string', pattern: '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' },
  },
  etag: {
    description: 'The etag of the record, for `If-Match`.',
    required: true,
    schema: { $ref: '#/components/schemas/Etag' },
  },
  location: { description: 'The path of the new record or job.', required: true, schema: { type: 'string' } },
  'idempotent-replay': {
    description: '`true`: nothing was executed. This is the response of an earlier request with the same key.',
    schema: { type: 'string', enum: ['true'] },
  },
  'retry-after': {
    description: 'Seconds to wait before the next attempt.',
    schema: { type: 'integer', minimum: 1, maximum: 60 },
  },
  'x-should-retry': {
    description: 'Whether another attempt can succeed. It overrides the status.',
    schema: { type: 'string', enum: ['true', 'false'] },
  },
  'ratelimit-policy': {
    description:
      'The rate limits of the client, if it has any, as in draft-ietf-httpapi-ratelimit-headers: `q` items, requests or bytes of bodies in `w` seconds.',
    schema: { type: 'string' },
    example: '"items";q=1000;qu="items";w=2, "requests";q=100;w=2, "bytes";q=2000000;qu="content-bytes";w=2',
  },
  ratelimit: {
    description:
      'The state of the rate limits that the request was charged to. `r` is available now; in `t` seconds the whole burst is, or, with a 429, enough for the request.',
    schema: { type: 'string' },
    example: '"items";r=900;t=1, "requests";r=99;t=1, "bytes";r=1900000;t=1',
  },
  allow: { description: 'The methods of the path.', required: true, schema: { type: 'string' } },
  'www-authenticate': { description: 'How to authenticate.', required: true, schema: { type: 'string' } },
};

/** The components that operations refer to. */
export const COMPONENTS: Components = {
  schemas: {
    ...RECORD_SCHEMAS,
    ...QUERY_SCHEMAS,
    ...BATCH_SCHEMAS,
    ...IMPORT_SCHEMAS,
    ...ERROR_SCHEMAS,
    ...HEALTH_SCHEMAS,
  },
  headers,
};
