import { ITEM_ERRORS, MAX_FIELD_ERRORS, REQUEST_ERRORS } from '#libs/errors';
import { type Schema, schemaRef } from './schema.type';

/** How requests and items fail. */
export const errorSchemas: Readonly<Record<string, Schema>> = {
  FieldError: {
    type: 'object',
    description: 'One broken rule.',
    required: ['field', 'code', 'message'],
    additionalProperties: false,
    properties: {
      field: {
        type: 'string',
        description:
          'What broke it: `.body.items`, `.path.id`, `.query.select`, `.header.idempotency-key`. In an item, from the item: `.default.stage`.',
      },
      code: { type: 'string', description: 'The name of the rule.' },
      message: { type: 'string' },
    },
  },
  Error: {
    type: 'object',
    description: 'Why the request was refused.',
    required: ['code', 'message', 'request_id'],
    additionalProperties: false,
    properties: {
      code: {
        type: 'string',
        enum: Object.keys(REQUEST_ERRORS),
        description: 'A closed list; the meanings never change.',
      },
      message: { type: 'string', description: 'For people; do not match on it.' },
      request_id: {
        type: 'string',
        description: 'The same as the header `x-request-id`; in a replay, that of the first request.',
      },
      errors: {
        type: 'array',
        minItems: 1,
        maxItems: MAX_FIELD_ERRORS,
        items: schemaRef('FieldError'),
        description: 'Only with `invalid_request`.',
      },
      details: { type: 'object', description: 'Only where the code defines it.' },
    },
  },
  ErrorResponse: {
    type: 'object',
    description: 'The body of every response that is not 2xx.',
    required: ['error'],
    additionalProperties: false,
    properties: { error: schemaRef('Error') },
  },
  ItemError: {
    type: 'object',
    description: 'Why one item failed. It changed nothing, and no other item was touched.',
    required: ['code', 'message', 'retryable'],
    additionalProperties: false,
    properties: {
      code: {
        type: 'string',
        enum: Object.keys(ITEM_ERRORS),
        description: Object.entries(ITEM_ERRORS)
          .map(([code, { when }]) => `* \`${code}\`: ${when}`)
          .join('\n'),
      },
      message: { type: 'string', description: 'For people; do not match on it.' },
      retryable: { type: 'boolean', description: 'Whether the same item, sent again unchanged, can succeed.' },
      errors: { type: 'array', minItems: 1, maxItems: MAX_FIELD_ERRORS, items: schemaRef('FieldError') },
    },
  },
};
