import { RECEIPT_STATES } from '#libs/idempotency';
import { MAX_ITEMS } from '#libs/records';
import { SUMMARY_SCHEMA } from '../docs/batch.schemas';
import { UUID_SCHEMA } from '../docs/record.schemas';
import { type Schema, schemaRef } from '../docs/schema.type';
import { DEFINITION_SCHEMA, OPTION_SCHEMA } from '../properties/property-definition.schema';

const definitionWritten: Schema = {
  type: 'object',
  required: ['id', 'status', 'result'],
  additionalProperties: false,
  properties: {
    id: UUID_SCHEMA,
    status: { type: 'string', enum: ['ok'] },
    result: { oneOf: [DEFINITION_SCHEMA, OPTION_SCHEMA], description: 'The property or option after the change.' },
  },
};

export const RECEIPT_SCHEMA: Schema = {
  type: 'object',
  required: ['state', 'created_at', 'expires_at', 'summary', 'results'],
  additionalProperties: false,
  properties: {
    state: {
      type: 'string',
      enum: [...RECEIPT_STATES],
      description:
        '`complete`: every item has its outcome, and a retry replays it. `in_progress`: an attempt runs. `interrupted`: none runs, and items are left; a retry with the same key continues.',
    },
    created_at: { type: 'string', format: 'date-time', description: 'When the first attempt began.' },
    expires_at: { type: 'string', format: 'date-time', description: 'When the lifetime of the key ends.' },
    summary: {
      ...SUMMARY_SCHEMA,
      description:
        '`total` counts the items of the request, `succeeded` and `failed` the stored outcomes: their sum is `total` only if the request is complete.',
    },
    results: {
      type: 'array',
      minItems: 1,
      maxItems: MAX_ITEMS,
      description:
        '`results[i]` is the stored outcome of item i, as in the response of a batch. null: none is stored; the item may have been applied by an attempt that was interrupted. A write of one record, property or option has one result. An import has one: the body of its response.',
      items: {
        oneOf: [
          ...[schemaRef('ItemSucceeded'), schemaRef('ItemFailed'), schemaRef('ImportJob')],
          definitionWritten,
          { type: 'null' },
        ],
      },
    },
  },
};
