import { ITEM_ERRORS, MAX_FIELD_ERRORS, REQUEST_ERRORS } from '#libs/errors';
import { type Schema, schemaRef } from './schema.type';

/** Errors of requests and items. */
export const ERROR_SCHEMAS: Readonly<Record<string, Schema>> = {
  FieldError: {
    type: 'object',
    description: 'One broken rule.',
    required: ['field', 'code', 'message'],
    additionalProperties: false,
    properties: {
      field: {
        type: 'string',
        description:
          'The path of the field: `.body.items`, `.path.id`, `.query.select`, `.header.idempotency-key`. In an item error, relative to the item: `.default.stage`.',
      },
      code: { type: 'string', description: 'The name of the rule.' },
      message: { type: 'string' },
    },
  },
  Error: {
    type: 'object',
    description: 'Why the request was rejected.',
    required: ['code', 'message', 'request_id'],
    additionalProperties: false,
    properties: {
      code: {
        type: 'string',
        enum: Object.keys(REQUEST_ERRORS),
        description: 'From a closed list. The meaning of a code never changes.',
      },
      message: { type: 'string', description: 'For people; may change.' },
      request_id: {
        type: 'string',
        description: 'The `x-request-id` of the response; in a replay, that of the request that completed.',
      },
      errors: {
        type: 'array',
        minItems: 1,
        maxItems: MAX_FIELD_ERRORS,
        items: schemaRef('FieldError'),
        description: 'Only with `invalid_request`.',
      },
      details: { type: 'object', description: 'Only with codes that define it.' },
    },
  },
  ErrorResponse: {
    type: 'object',
    description: 'The body of every response with a status other than 2xx.',
    required: ['error'],
    additionalProperties: false,
    properties: { error: schemaRef('Error') },
  },
  ItemError: {
    type: 'object',
    description:
      'Why an item failed. The item changed nothing. Other items are not affected, unless `on_error` or `max_failures` asks for it.',
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
      message: { type: 'string', description: 'For people; may change.' },
      retryable: { type: 'boolean', description: 'Whether the same item can succeed if it is sent again unchanged.' },
      errors: { type: 'array', minItems: 1, maxItems: MAX_FIELD_ERRORS, items: schemaRef('FieldError') },
    },
  },
};
