import { MAX_PAGE_ROWS, OPERATORS } from '#libs/records';
import { UUID_SCHEMA } from './record.schemas';
import { type Schema, schemaRef } from './schema.type';

const scalar: Schema = { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }] };
const list: Schema = { type: 'array', minItems: 1, maxItems: 1_000, items: scalar };

const OPERANDS: Readonly<Record<string, Schema>> = {
  between: { ...list, minItems: 2, maxItems: 2, description: 'Both values are inclusive.' },
  in: { ...list, description: 'One of the values.' },
  not_in: { ...list, description: 'None of the values, or no value.' },
  contains: {
    anyOf: [scalar, list],
    description:
      'A part of a text, of at most 1,000 characters, or an element of a property with several values; of an array, all of them.',
  },
  exists: { type: 'boolean', description: 'Has a value; `false`: has none. `is_not_null` is the same.' },
  not_exists: { type: 'boolean', description: 'Has no value; `false`: has one. `is_null` is the same.' },
  is_null: { type: 'boolean' },
  is_not_null: { type: 'boolean' },
};

/** Queries and their pages. */
export const QUERY_SCHEMAS: Readonly<Record<string, Schema>> = {
  Comparison: {
    type: 'object',
    description:
      'Values by operator; all must hold. Numbers and dates compare as such, even if they are sent as strings; a date without a time is midnight in UTC. Options are given by slug or id. `=` and `in` match a property with several values if one of them is equal. Texts compare by code point, with case. A negative operator (`!=`, `not_in`, `not_contains`) also matches records without a value.',
    minProperties: 1,
    additionalProperties: false,
    properties: Object.fromEntries(OPERATORS.map((operator) => [operator, OPERANDS[operator] ?? scalar])),
  },
  Condition: {
    type: 'object',
    description:
      'Comparisons by property slug, all of which must hold. `AND` and `OR` hold further conditions, up to 5 levels deep. A filter has at most 100 comparisons, with at most 2,000 values in all.',
    minProperties: 1,
    properties: {
      AND: { type: 'array', minItems: 1, maxItems: 100, items: schemaRef('Condition') },
      OR: { type: 'array', minItems: 1, maxItems: 100, items: schemaRef('Condition') },
    },
    additionalProperties: schemaRef('Comparison'),
  },
  Query: {
    type: 'object',
    required: ['select'],
    additionalProperties: false,
    properties: {
      select: {
        type: 'array',
        minItems: 1,
        items: { type: 'string' },
        description: 'The slugs of the properties to return. `id` is always returned.',
      },
      filter: { type: 'array', maxItems: 100, items: schemaRef('Condition') },
      combinator: {
        type: 'string',
        enum: ['AND', 'OR'],
        default: 'AND',
        description: 'Whether all or any of the elements of `filter` must hold.',
      },
      sort: {
        type: 'array',
        maxItems: 5,
        items: { type: 'object', minProperties: 1, additionalProperties: { type: 'string', enum: ['asc', 'desc'] } },
        description:
          'The order, most significant property first; records without a value are last. Records that are equal in it are in the default order: newest first, then by id.',
      },
      limit: { type: 'integer', minimum: 1, maximum: MAX_PAGE_ROWS, default: 25 },
      cursor: {
        type: 'string',
        description:
          'The `next_cursor` of the previous page, with the same filter, sort, `list_id`, `id` and `deleted`. It keeps the limit of that page and replaces `limit` and `page`.',
      },
      page: {
        type: 'integer',
        minimum: 1,
        maximum: 10_000,
        deprecated: true,
        description: 'The number of the page. Other writes shift pages: use `cursor`.',
      },
      list_id: {
        ...UUID_SCHEMA,
        description: 'Only records in this list. Its properties can be named like those of the object type.',
      },
    },
  },
  QueryRequest: {
    type: 'object',
    required: ['query'],
    additionalProperties: false,
    properties: {
      query: schemaRef('Query'),
      id: {
        anyOf: [UUID_SCHEMA, { type: 'array', maxItems: 1_000, items: UUID_SCHEMA }],
        description: 'Only these records.',
      },
      cursor: { type: 'string', description: 'The same as `query.cursor`, which takes precedence.' },
      include_total: {
        type: 'boolean',
        default: false,
        description: 'Return `total`. It takes one more pass over the matching records.',
      },
      deleted: { type: 'boolean', default: false, description: 'Include deleted records.' },
    },
  },
  QueryRow: {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: UUID_SCHEMA,
      properties: { ...schemaRef('Properties'), description: 'The selected properties that have a value, by slug.' },
      deleted_at: {
        type: 'string',
        format: 'date-time',
        description: 'When the record was deleted; only of a deleted one.',
      },
      record_omitted: {
        type: 'boolean',
        enum: [true],
        description: 'The record alone exceeds `RESPONSE_LIMIT_BYTES`, so it has no `properties`.',
      },
    },
  },
  QueryPage: {
    type: 'object',
    required: ['data', 'has_more', 'next_cursor'],
    additionalProperties: false,
    properties: {
      data: { type: 'array', maxItems: MAX_PAGE_ROWS, items: schemaRef('QueryRow') },
      has_more: {
        type: 'boolean',
        description:
          'Whether there are more rows. A page can have fewer rows than its limit, because a response has a maximum size.',
      },
      next_cursor: {
        anyOf: [{ type: 'string' }, { type: 'null' }],
        description: 'The cursor of the next page; null on the last one.',
      },
      total: {
        type: 'integer',
        minimum: 0,
        description: 'The number of matching records on all pages; only with `include_total`.',
      },
    },
  },
  RecordCount: {
    type: 'object',
    required: ['total'],
    additionalProperties: false,
    properties: { total: { type: 'integer', minimum: 0 } },
  },
};
