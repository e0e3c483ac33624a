import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { OBJECT_TYPES } from '#libs/properties';
import { EXAMPLES } from './examples';
import { ApiErrors } from './errors.decorator';
import { UUID_SCHEMA } from './record.schemas';
import { commonHeaders, idempotencyKey, ifMatch } from './request.headers';
import { headerRefs, type Schema, schemaRef } from './schema.type';

/*
 * The OpenAPI documentation of each operation on records: one decorator per handler.
 */

type Examples = Record<string, { summary: string; value: unknown }>;

export const ApiBatchUpdate = (): MethodDecorator =>
  batch({
    operationId: 'batchUpdate',
    summary: 'Patch up to 100 records, each in its own transaction',
    body: schemaRef('BatchUpdate'),
    bodies: {
      partial: { summary: 'One success, a missing record, an invalid value and an invalid id', value: EXAMPLES.update },
      conditional: { summary: 'A dry run with a condition, in one transaction', value: EXAMPLES.updateConditionally },
    },
    result: EXAMPLES.updateResult,
  });

export const ApiBatch = (): MethodDecorator =>
  batch({
    operationId: 'batch',
    summary: 'Create, patch, delete and restore up to 100 records, each in its own transaction',
    body: schemaRef('Batch'),
    bodies: { mixed: { summary: 'A new record, an increment and a restore', value: EXAMPLES.mixed } },
    result: EXAMPLES.mixedResult,
  });

export const ApiBatchDelete = (): MethodDecorator =>
  batch({
    operationId: 'batchDelete',
    summary: 'Delete up to 100 records softly, each in its own transaction',
    body: schemaRef('BatchDelete'),
    bodies: { partial: { summary: 'One success and a missing record', value: EXAMPLES.deletion } },
    result: EXAMPLES.deleteResult,
  });

export const ApiCreateRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'createRecord', summary: 'Create a record' }),
    ApiBody({
      required: true,
      schema: schemaRef('RecordCreate'),
      examples: { record: { summary: 'A record with two properties', value: EXAMPLES.creation } },
    }),
    record(201, 'The new record.', 'etag', 'location', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'conflict'),
    idempotencyKey,
    ApiTarget(),
  );

export const ApiGetRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'getRecord', summary: 'Read a record' }),
    select(),
    record(200, 'The record.', 'etag'),
    recordId(),
    ApiTarget(),
  );

export const ApiFindRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'findRecord',
      summary: 'Read the record that has a value',
      description:
        'Fast for a property with a `lookup`. Any other property is searched for `QUERY_TIMEOUT_MS`; after that the status is 400 with the rule `query_timeout`.',
    }),
    select(),
    record(200, 'The one record with this value.', 'etag'),
    ApiErrors({}, 'multiple_matches'),
    lookupPath(),
    ApiTarget(),
  );

export const ApiUpsertRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'upsertRecord',
      summary: 'Patch the record that has a value, or create it',
      description:
        'Concurrent upserts of one value make one record, even by a property without a `lookup`. A new record gets the value of the path. With `If-Match` no record is created: 412.',
    }),
    ApiBody({
      required: true,
      schema: schemaRef('RecordChange'),
      examples: { change: { summary: 'Set two properties', value: EXAMPLES.creation } },
    }),
    record(200, 'The record after the change.', 'etag', 'idempotent-replay'),
    record(201, 'The new record.', 'etag', 'location', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'multiple_matches', 'conflict', 'precondition_failed'),
    ifMatch,
    idempotencyKey,
    lookupPath(),
    ApiTarget(),
  );

export const ApiPatchRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'patchRecord', summary: 'Patch a record' }),
    ApiBody({
      required: true,
      schema: schemaRef('RecordChange'),
      examples: { change: { summary: 'Set, clear and append', value: EXAMPLES.change } },
    }),
    record(200, 'The record after the change.', 'etag', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'conflict', 'precondition_failed'),
    ifMatch,
    idempotencyKey,
    recordId(),
    ApiTarget(),
  );

export const ApiDeleteRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteRecord',
      summary: 'Delete a record softly',
      description: 'A deleted record gets 404 until it is restored. An `Idempotency-Key` is ignored.',
    }),
    ApiResponse({ status: 204, description: 'The record is deleted.', headers: headerRefs() }),
    ApiErrors({ body: true }, 'precondition_failed'),
    ifMatch,
    recordId(),
    ApiTarget(),
  );

export const ApiRestoreRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'restoreRecord',
      summary: 'Restore a deleted record',
      description: 'A record that is not deleted stays as it is. There is no body, or `{}`.',
    }),
    record(200, 'The restored record.', 'etag', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'conflict', 'precondition_failed'),
    ifMatch,
    idempotencyKey,
    recordId(),
    ApiTarget(),
  );

export const ApiDuplicateRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'duplicateRecord',
      summary: 'Create a copy of a record',
      description:
        'The copy has all properties of the record, those of its lists, and `extended`. There is no body, or `{}`.',
    }),
    record(201, 'The copy.', 'etag', 'location', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'conflict'),
    idempotencyKey,
    recordId(),
    ApiTarget(),
  );

interface BatchOperation {
  operationId: string;
  summary: string;
  body: Schema;
  bodies: Examples;
  result: unknown;
}

function batch({ operationId, summary, body, bodies, result }: BatchOperation): MethodDecorator {
  return applyDecorators(
    ApiOperation({
      operationId,
      summary,
      description:
        'The status is 200 even if items fail: `results[i]` is the outcome of item i. Items are applied in order. A failed item does not affect the others, unless `on_error` or `max_failures` asks for it.',
    }),
    ApiBody({ required: true, schema: body, examples: bodies }),
    ApiResponse({
      status: 200,
      description: 'The outcome of each item.',
      headers: headerRefs('idempotent-replay'),
      content: { 'application/json': { schema: schemaRef('BatchResult'), example: result } },
    }),
    ApiErrors({ body: true, idempotent: true }),
    idempotencyKey,
    ApiTarget('Batch'),
  );
}

function record(status: number, description: string, ...headers: string[]): MethodDecorator {
  return ApiResponse({
    status,
    description,
    headers: headerRefs(...headers),
    content: { 'application/json': { schema: schemaRef('Record'), example: EXAMPLES.record } },
  });
}

function select(): MethodDecorator {
  return ApiQuery({
    name: 'select',
    required: false,
    description: 'The slugs of the properties to return, separated by commas. By default all.',
    schema: { type: 'string' },
    example: 'name,stage',
  });
}

function lookupPath(): MethodDecorator {
  return applyDecorators(
    ApiParam({
      name: 'slug',
      description: 'The slug of a property.',
      schema: { type: 'string' },
      example: 'primary_domain',
    }),
    ApiParam({
      name: 'value',
      description: 'The value, percent-encoded. Compared as a filter `=` does: case matters; an option by slug or id.',
      schema: { type: 'string' },
      example: 'acme.example',
    }),
  );
}

function recordId(): MethodDecorator {
  return ApiParam({ name: 'id', description: 'The id of the record.', schema: UUID_SCHEMA });
}

/** The parameters of every operation on the records of a team and object type. */
export function ApiTarget(tag = 'Records'): MethodDecorator {
  return applyDecorators(
    ApiTags(tag),
    ApiParam({ name: 'object', description: 'The object type.', schema: { type: 'string', enum: [...OBJECT_TYPES] } }),
    ApiParam({ name: 'team', description: 'The id of the team.', schema: UUID_SCHEMA }),
    commonHeaders,
  );
}
