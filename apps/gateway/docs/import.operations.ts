import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ApiErrors } from './errors.decorator';
import { EXAMPLES } from './examples';
import { ApiTarget } from './operations';
import { UUID_SCHEMA } from './record.schemas';
import { commonHeaders, idempotencyKey } from './request.headers';
import { headerRefs, schemaRef } from './schema.type';

/*
 * The OpenAPI documentation of imports: one decorator per handler.
 */

export const ApiImportRecords = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'importRecords',
      summary: 'Create up to 10,000 records',
      description:
        'A row that is not valid does not affect the others: its result has the error. Fewer than 100 rows are imported within the request. More become a job, which workers run: read it at `Location` until its `status` is not `processing`. Rows are validated against the definitions of the moment when the import is accepted. With `create_missing_options` the API key needs the scope `schema:write` as well (otherwise 403 `forbidden`).',
    }),
    ApiBody({
      required: true,
      schema: schemaRef('ImportRequest'),
      examples: { rows: { summary: 'Two rows, of which one is not valid', value: EXAMPLES.import } },
    }),
    ApiResponse({
      status: 200,
      description: 'The rows are imported: the result of each of them.',
      headers: headerRefs('idempotent-replay'),
      content: { 'application/json': { schema: schemaRef('ImportJob'), example: EXAMPLES.importResult } },
    }),
    ApiResponse({
      status: 202,
      description: 'A job imports the rows.',
      headers: headerRefs('location', 'idempotent-replay'),
      content: { 'application/json': { schema: schemaRef('ImportJob'), example: EXAMPLES.importJob } },
    }),
    ApiErrors({ body: true, idempotent: true }),
    idempotencyKey,
    ApiTarget('Imports'),
  );

export const ApiGetImport = (): MethodDecorator =>
  applyDecorators(
    ApiTags('Imports'),
    ApiOperation({
      operationId: 'getImport',
      summary: 'Read an import job',
      description: 'The job with the results of the rows that are done. It is kept for 7 days.',
    }),
    ApiParam({ name: 'job_id', description: 'The id of the job.', schema: UUID_SCHEMA }),
    ApiParam({ name: 'team', description: 'The id of the team.', schema: UUID_SCHEMA }),
    ApiResponse({
      status: 200,
      description: 'The job.',
      headers: headerRefs(),
      content: { 'application/json': { schema: schemaRef('ImportJob'), example: EXAMPLES.importJob } },
    }),
    ApiErrors({}),
    commonHeaders,
  );
