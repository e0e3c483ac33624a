import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { MAX_PAGE_ROWS } from '#libs/records';
import { EXAMPLES } from './examples';
import { ApiErrors } from './errors.decorator';
import { ApiTarget } from './operations';
import { UUID_SCHEMA } from './record.schemas';
import { headerRefs, schemaRef } from './schema.type';

/*
 * The OpenAPI documentation of the operations that find records: one decorator per handler.
 */

const TIME_LIMIT =
  'The statement has `QUERY_TIMEOUT_MS`. If it does not finish in time, and no index serves the query, the status is 400 with the rule `query_timeout`: the same query would not succeed later.';

const listId = ApiQuery({
  name: 'list_id',
  required: false,
  description: 'Only records in this list.',
  schema: UUID_SCHEMA,
});

export const ApiListRecords = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'listRecords',
      summary: 'List records, newest first',
      description: `A query as a query string. Any other parameter filters the property of this name: by equality, or as \`in\` if it is repeated or has commas (\`?stage=won,lost\`). ${TIME_LIMIT}`,
    }),
    parameter('select', 'The slugs of the properties to return, separated by commas. By default all.', 'name,stage'),
    parameter(
      'sort',
      'The slugs of the properties to sort by, separated by commas; `-` for descending.',
      '-updated_at,name',
    ),
    ApiQuery({
      name: 'limit',
      required: false,
      description: `The largest number of rows. Above ${MAX_PAGE_ROWS} it is ${MAX_PAGE_ROWS}.`,
      schema: { type: 'integer', minimum: 1, default: 25 },
    }),
    parameter('cursor', 'The `next_cursor` of the previous page. It keeps the limit of that page.'),
    flag('deleted', 'Include deleted records.'),
    flag('include_total', 'Return `total`. It takes one more pass over the matching records.'),
    listId,
    page(),
    ApiTarget('Queries'),
  );

export const ApiQueryRecords = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'queryRecords',
      summary: 'Find records by their properties',
      description: `${TIME_LIMIT} It changes nothing: an \`Idempotency-Key\` has no effect.`,
    }),
    ApiBody({
      required: true,
      schema: schemaRef('QueryRequest'),
      examples: {
        simple: { summary: 'Won organizations with more than 50 employees, largest first', value: EXAMPLES.query },
        nested: { summary: 'AND and OR', value: EXAMPLES.nestedQuery },
      },
    }),
    page(),
    ApiErrors({ body: true }),
    ApiTarget('Queries'),
  );

export const ApiCountRecords = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({ operationId: 'countRecords', summary: 'Count the records of an object type' }),
    listId,
    ApiResponse({
      status: 200,
      description: 'The number of records that are not deleted.',
      headers: headerRefs(),
      content: { 'application/json': { schema: schemaRef('RecordCount'), example: { total: 1234 } } },
    }),
    ApiTarget('Queries'),
  );

function page(): MethodDecorator {
  return ApiResponse({
    status: 200,
    description: 'A page of records.',
    headers: headerRefs(),
    content: { 'application/json': { schema: schemaRef('QueryPage'), example: EXAMPLES.page } },
  });
}

function parameter(name: string, description: string, example?: string): MethodDecorator {
  return ApiQuery({ name, required: false, description, schema: { type: 'string' }, ...(example && { example }) });
}

function flag(name: string, description: string): MethodDecorator {
  return ApiQuery({ name, required: false, description, schema: { type: 'boolean', default: false } });
}
