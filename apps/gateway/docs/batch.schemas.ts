import { MAX_ITEMS } from '#libs/records';
import { recordSchemas, uuid } from './record.schemas';
import { type Schema, schemaRef } from './schema.type';

const replayed: Schema = {
  type: 'boolean',
  enum: [true],
  description: 'The outcome is from an earlier attempt with the same `Idempotency-Key`, which this one resumed.',
};

/** Item counts. */
export const summary = {
  type: 'object',
  required: ['total', 'succeeded', 'failed'],
  additionalProperties: false,
  properties: {
    total: { type: 'integer', minimum: 1, maximum: MAX_ITEMS },
    succeeded: { type: 'integer', minimum: 0, maximum: MAX_ITEMS },
    failed: { type: 'integer', minimum: 0, maximum: MAX_ITEMS },
  },
} satisfies Schema;

/** Batches and their results. */
export const batchSchemas: Readonly<Record<string, Schema>> = {
  BatchOptions: {
    type: 'object',
    additionalProperties: false,
    properties: {
      on_error: {
        type: 'string',
        enum: ['continue', 'stop', 'rollback'],
        default: 'continue',
        description:
          '`stop`: the items after the first failure are `not_attempted`. `rollback`: one transaction for all items; at the first failure it is rolled back, and the other items are `rolled_back`. After a failure that is not retryable, those items are not retryable either, and the request is complete.',
      },
      return: {
        type: 'string',
        enum: ['representation', 'minimal'],
        default: 'representation',
        description: '`minimal`: no `record` in the results.',
      },
      dry_run: {
        type: 'boolean',
        default: false,
        description:
          'Validate, lock and apply the items, then roll back. An `Idempotency-Key` is not used. The etags of its changes match no record.',
      },
    },
  },
  BatchItem: {
    type: 'object',
    description: 'The change of one record, applied in its own transaction.',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: uuid,
      if_match: {
        type: 'string',
        description: 'The etag that the record must have; `*`: any.',
        example: '"7-64f1c2a3b4d5e"',
      },
      ...recordSchemas.RecordChange?.properties,
    },
  },
  BatchUpdate: {
    type: 'object',
    required: ['items'],
    additionalProperties: false,
    properties: {
      items: { type: 'array', minItems: 1, maxItems: MAX_ITEMS, items: schemaRef('BatchItem') },
      options: schemaRef('BatchOptions'),
    },
  },
  BatchDelete: {
    type: 'object',
    required: ['ids'],
    additionalProperties: false,
    properties: {
      ids: { type: 'array', minItems: 1, maxItems: MAX_ITEMS, items: uuid },
      options: schemaRef('BatchOptions'),
    },
  },
  ItemSucceeded: {
    type: 'object',
    required: ['id', 'status', 'etag'],
    additionalProperties: false,
    properties: {
      id: uuid,
      status: { type: 'string', enum: ['ok'] },
      etag: { ...schemaRef('Etag'), description: 'The etag of the record after the change, for the next `if_match`.' },
      record: { ...schemaRef('Record'), description: 'The record after the change, unless `return` is `minimal`.' },
      record_omitted: {
        type: 'boolean',
        enum: [true],
        description:
          'The change was applied, but the records of the response would exceed `RESPONSE_LIMIT_BYTES`. Read the record.',
      },
      replayed,
    },
  },
  ItemFailed: {
    type: 'object',
    required: ['id', 'status', 'error'],
    additionalProperties: false,
    properties: {
      id: { anyOf: [uuid, { type: 'null' }], description: 'null: the item has no valid id.' },
      status: { type: 'string', enum: ['error'] },
      error: schemaRef('ItemError'),
      replayed,
    },
  },
  BatchResult: {
    type: 'object',
    required: ['results', 'summary'],
    additionalProperties: false,
    properties: {
      results: {
        type: 'array',
        minItems: 1,
        maxItems: MAX_ITEMS,
        description: '`results[i]` is the outcome of item i of the request.',
        items: { oneOf: [schemaRef('ItemSucceeded'), schemaRef('ItemFailed')] },
      },
      summary,
    },
  },
};
