import { MAX_ROWS } from '#libs/imports';
import { RECORD_SCHEMAS, UUID_SCHEMA } from './record.schemas';
import { type Schema, schemaRef } from './schema.type';

const rows: Schema = { type: 'integer', minimum: 0, maximum: MAX_ROWS };
const time: Schema = { type: 'string', format: 'date-time' };

/** Imports and their jobs. */
export const IMPORT_SCHEMAS: Readonly<Record<string, Schema>> = {
  ImportOptions: {
    type: 'object',
    additionalProperties: false,
    properties: {
      dedupe_by: {
        type: 'string',
        description:
          'The slug of a property with a lookup. A row with the value of a live record is for that record: `existing`. Several rows with one value are one record. Several records with it: the row fails with `multiple_matches`.',
      },
      caseInsensitive: {
        type: 'boolean',
        default: true,
        description: 'Whether `dedupe_by` ignores the case of letters. Without it, no effect.',
      },
      update_existing: {
        type: 'boolean',
        default: false,
        description: 'Whether a row that matches a record updates it. Needs `dedupe_by`.',
      },
      create_missing_options: {
        type: 'boolean',
        default: false,
        description:
          'Whether options of select properties that rows name and that do not exist are created. A text is an option by slug, id, or display name without regard to case. Needs the scope `schema:write` as well.',
      },
      list_id: {
        ...UUID_SCHEMA,
        description:
          'A list. Properties of it that a row has in `default` go to its block in `list`, unless the object type has a property of that name.',
      },
    },
  },
  ImportRow: {
    type: 'object',
    description: 'A new record, as `POST /v2/prism/{team}/{object}` takes it.',
    minProperties: 1,
    additionalProperties: false,
    properties: { ...RECORD_SCHEMAS.RecordCreate?.properties },
  },
  ImportRequest: {
    type: 'object',
    required: ['objects'],
    additionalProperties: false,
    properties: {
      objects: { type: 'array', minItems: 1, maxItems: MAX_ROWS, items: schemaRef('ImportRow') },
      options: schemaRef('ImportOptions'),
    },
  },
  ImportRowResult: {
    type: 'object',
    required: ['input_index', 'id', 'created', 'existing', 'updated', 'error'],
    additionalProperties: false,
    properties: {
      input_index: { ...rows, maximum: MAX_ROWS - 1, description: 'The place of the row in `objects`, from 0.' },
      id: {
        anyOf: [UUID_SCHEMA, { type: 'null' }],
        description:
          'The id of the record; null if the row failed. With the error `outcome_unknown`: the id that the record has if it was created.',
      },
      created: { type: 'boolean', description: 'The row is a new record.' },
      existing: { type: 'boolean', description: 'The row matched an existing record.' },
      updated: { type: 'boolean', description: 'The existing record was updated.' },
      error: { anyOf: [schemaRef('ItemError'), { type: 'null' }] },
    },
  },
  ImportJob: {
    type: 'object',
    required: [
      ...['job_id', 'status', 'total', 'processed', 'succeeded', 'failed'],
      ...['created_at', 'updated_at', 'expires_at', 'results'],
    ],
    additionalProperties: false,
    properties: {
      job_id: {
        anyOf: [UUID_SCHEMA, { type: 'null' }],
        description: 'null: the rows were imported within the request, and there is no job to read.',
      },
      status: {
        type: 'string',
        enum: ['complete', 'processing', 'failed'],
        description:
          '`complete`: every row has a result, even if rows failed. `failed`: the job was not finished within 6 days, and the rows that were left have an error.',
      },
      total: { ...rows, minimum: 1 },
      processed: { ...rows, description: 'Rows that have a result.' },
      succeeded: rows,
      failed: rows,
      created_at: time,
      updated_at: time,
      expires_at: { ...time, description: 'When the job is removed. Without a job: when the rows were imported.' },
      results: {
        type: 'array',
        maxItems: MAX_ROWS,
        description: 'The rows that have a result, in the order of `input_index`.',
        items: schemaRef('ImportRowResult'),
      },
    },
  },
};
