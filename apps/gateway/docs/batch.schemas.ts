import { BATCH_ITEM_OPERATIONS, EFFECTS, MAX_ITEMS } from '#libs/records';
import { RECORD_SCHEMAS, UUID_SCHEMA } from './record.schemas';
import { type Schema, schemaRef } from './schema.type';

const replayed: Schema = {
  type: 'boolean',
  enum: [true],
  description: 'The outcome is from an earlier attempt with the same `Idempotency-Key`, which this one resumed.',
};

const ref: Schema = {
  type: 'string',
  maxLength: 64,
  description: 'What you call the item: its result repeats it.',
};

const ifMatch: Schema = {
  type: 'string',
  description: 'The etag that the record must have; `*`: any.',
  example: '"7-64f1c2a3b4d5e"',
};

/** Instead of `id`. */
const matched: Record<string, Schema> = {
  match: {
    type: 'object',
    description: 'The one live record that has this value of a property with a `lookup`.',
    required: ['slug', 'value'],
    additionalProperties: false,
    properties: { slug: { type: 'string' }, value: { anyOf: [{ type: 'string' }, { type: 'number' }] } },
    example: { slug: 'primary_domain', value: 'acme.example' },
  },
  if_absent: {
    type: 'string',
    enum: ['error', 'create'],
    default: 'error',
    description:
      'With `match`: whether the item is `not_found` if no record has the value, or creates one that has it.',
  },
};

/** An item of a mixed batch. */
function operation(op: string, description: string, required: string[], properties: Record<string, Schema>): Schema {
  return {
    type: 'object',
    description,
    required: ['op', ...required],
    additionalProperties: false,
    properties: { op: { type: 'string', enum: [op] }, ref, ...properties },
  };
}

/** Item counts. */
export const SUMMARY_SCHEMA = {
  type: 'object',
  required: ['total', 'succeeded', 'failed'],
  additionalProperties: false,
  properties: {
    total: { type: 'integer', minimum: 1, maximum: MAX_ITEMS },
    succeeded: { type: 'integer', minimum: 0, maximum: MAX_ITEMS },
    failed: { type: 'integer', minimum: 0, maximum: MAX_ITEMS },
  },
} satisfies Schema;

/** The schema of an item of a mixed batch, by its operation. */
const ITEM_SCHEMAS = {
  create: 'BatchCreateItem',
  update: 'BatchUpdateItem',
  delete: 'BatchDeleteItem',
  restore: 'BatchRestoreItem',
} as const;

/** Batches and their results. */
export const BATCH_SCHEMAS: Readonly<Record<string, Schema>> = {
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
          'Validate, lock and apply the items, then roll back. An `Idempotency-Key` is not used. The etags of its changes match no record, and the ids of its new records are not used again.',
      },
      max_failures: {
        type: 'integer',
        minimum: 1,
        maximum: MAX_ITEMS,
        description:
          'After this many failures the remaining items are `not_attempted`, as with `stop` after one. Only with `on_error: continue`.',
      },
      skip_unchanged: {
        type: 'boolean',
        default: false,
        description:
          'An update that would change nothing writes nothing: the record keeps its etag, and `effect` is `unchanged`.',
      },
    },
  },
  BatchItem: {
    type: 'object',
    description: 'The change of one record, applied in its own transaction. It has an `id` or a `match`.',
    additionalProperties: false,
    properties: {
      id: UUID_SCHEMA,
      ...matched,
      ref,
      if_match: ifMatch,
      ...RECORD_SCHEMAS.RecordChange?.properties,
    },
  },
  BatchCreateItem: operation(
    'create',
    'A new record. Its id is in the result; with an `Idempotency-Key`, every attempt has the same.',
    [],
    { ...RECORD_SCHEMAS.RecordCreate?.properties },
  ),
  BatchUpdateItem: operation('update', 'The change of one record. It has an `id` or a `match`.', [], {
    id: UUID_SCHEMA,
    ...matched,
    if_match: ifMatch,
    ...RECORD_SCHEMAS.RecordChange?.properties,
  }),
  BatchDeleteItem: operation('delete', 'Deletes a record softly.', ['id'], { id: UUID_SCHEMA, if_match: ifMatch }),
  BatchRestoreItem: operation('restore', 'Restores a deleted record. One that is not deleted stays as it is.', ['id'], {
    id: UUID_SCHEMA,
    if_match: ifMatch,
  }),
  Batch: {
    type: 'object',
    required: ['items'],
    additionalProperties: false,
    properties: {
      items: {
        type: 'array',
        minItems: 1,
        maxItems: MAX_ITEMS,
        items: {
          oneOf: BATCH_ITEM_OPERATIONS.map((op) => schemaRef(ITEM_SCHEMAS[op])),
          discriminator: {
            propertyName: 'op',
            mapping: Object.fromEntries(
              BATCH_ITEM_OPERATIONS.map((op) => [op, `#/components/schemas/${ITEM_SCHEMAS[op]}`]),
            ),
          },
        },
      },
      options: schemaRef('BatchOptions'),
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
      ids: { type: 'array', minItems: 1, maxItems: MAX_ITEMS, items: UUID_SCHEMA },
      options: schemaRef('BatchOptions'),
    },
  },
  ItemSucceeded: {
    type: 'object',
    required: ['id', 'status', 'effect'],
    additionalProperties: false,
    properties: {
      id: UUID_SCHEMA,
      ref,
      status: { type: 'string', enum: ['ok'] },
      effect: {
        type: 'string',
        enum: [...EFFECTS],
        description:
          'What the item did. `unchanged`: an update without a change (an item with only an `id`, or `skip_unchanged`), or the restore of a record that was not deleted.',
      },
      etag: {
        ...schemaRef('Etag'),
        description:
          'The etag of the record after the change, for the next `if_match`. Absent if a retry found the item applied, and the record deleted since.',
      },
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
      id: {
        anyOf: [UUID_SCHEMA, { type: 'null' }],
        description: 'null: the item has no valid id, is a `create`, or has a `match`.',
      },
      ref,
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
      summary: SUMMARY_SCHEMA,
    },
  },
};
