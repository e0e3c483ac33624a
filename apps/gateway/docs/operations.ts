import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { objectTypes } from '#libs/properties';
import { examples } from './examples';
import { ApiErrors } from './errors.decorator';
import { uuid } from './record.schemas';
import { idempotencyKey, ifMatch, requestId, sdkTimeout, timeout, traceparent } from './request.headers';
import { headerRefs, type Schema, schemaRef } from './schema.type';

/*
 * What the OpenAPI document says of each operation on records: one decorator for its handler.
 */

type Examples = Record<string, { summary: string; value: unknown }>;

export const ApiBatchUpdate = (): MethodDecorator =>
  batch({
    operationId: 'batchUpdate',
    summary: 'Patch up to 100 records, each in its own transaction',
    body: schemaRef('BatchUpdate'),
    bodies: {
      partial: { summary: 'One success, a missing record, a bad value and a bad id', value: examples.update },
      conditional: { summary: 'With a condition, all or nothing, tried out', value: examples.updateConditionally },
    },
    result: examples.updateResult,
  });

export const ApiBatchDelete = (): MethodDecorator =>
  batch({
    operationId: 'batchDelete',
    summary: 'Delete up to 100 records softly, each in its own transaction',
    body: schemaRef('BatchDelete'),
    bodies: { partial: { summary: 'One success and a missing record', value: examples.deletion } },
    result: examples.deleteResult,
  });

export const ApiCreateRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'createRecord', summary: 'Make a record' }),
    ApiBody({
      required: true,
      schema: schemaRef('RecordCreate'),
      examples: { record: { summary: 'A record with two properties', value: examples.creation } },
    }),
    record(201, 'The new record.', 'etag', 'location', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'conflict'),
    idempotencyKey,
    target(),
  );

export const ApiGetRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'getRecord', summary: 'Read a record' }),
    ApiQuery({
      name: 'select',
      required: false,
      description: 'The slugs to answer, separated by commas. Without it, all.',
      schema: { type: 'string' },
      example: 'name,stage',
    }),
    record(200, 'The record.', 'etag'),
    recordId(),
    target(),
  );

export const ApiPatchRecord = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'patchRecord', summary: 'Change a record' }),
    ApiBody({
      required: true,
      schema: schemaRef('RecordChange'),
      examples: { change: { summary: 'Set, clear and append', value: examples.change } },
    }),
    record(200, 'The record after the change.', 'etag', 'idempotent-replay'),
    ApiErrors({ body: true, idempotent: true }, 'conflict', 'precondition_failed'),
    ifMatch,
    idempotencyKey,
    recordId(),
    target(),
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
        'Answers 200 also when some or all items fail: `results[i]` says what became of item i. Items are applied in order. One that fails touches no other.',
    }),
    ApiBody({ required: true, schema: body, examples: bodies }),
    ApiResponse({
      status: 200,
      description: 'What became of each item.',
      headers: headerRefs('idempotent-replay'),
      content: { 'application/json': { schema: schemaRef('BatchResult'), example: result } },
    }),
    ApiErrors({ body: true, idempotent: true }),
    idempotencyKey,
    target('Batch'),
  );
}

function record(status: number, description: string, ...headers: string[]): MethodDecorator {
  return ApiResponse({
    status,
    description,
    headers: headerRefs(...headers),
    content: { 'application/json': { schema: schemaRef('Record'), example: examples.record } },
  });
}

function recordId(): MethodDecorator {
  return ApiParam({ name: 'id', description: 'The id of the record.', schema: uuid });
}

/** What every operation on records of a team and type has in common. */
function target(tag = 'Records'): MethodDecorator {
  return applyDecorators(
    ApiTags(tag),
    ApiParam({ name: 'object', description: 'The object type.', schema: { type: 'string', enum: [...objectTypes] } }),
    ApiParam({ name: 'team', description: 'The id of the team.', schema: uuid }),
    timeout,
    sdkTimeout,
    requestId,
    traceparent,
  );
}
