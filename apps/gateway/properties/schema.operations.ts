import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiQuery, ApiResponse } from '@nestjs/swagger';
import {
  MAX_NAME_LENGTH,
  MAX_OPTIONS,
  MAX_SLUG_LENGTH,
  MAX_TEAM_BYTES,
  MAX_TEAM_OPTIONS,
  MAX_TEAM_PROPERTIES,
  PROPERTY_TYPES,
} from '#libs/properties';
import { ApiErrors } from '../docs/errors.decorator';
import { ApiTarget } from '../docs/operations';
import { UUID_SCHEMA } from '../docs/record.schemas';
import { idempotencyKey } from '../docs/request.headers';
import { headerRefs, type Schema } from '../docs/schema.type';
import { DEFINITION_SCHEMA, LOOKUP_SCHEMA, OPTION_SCHEMA } from './property-definition.schema';

/*
 * The OpenAPI documentation of the operations that change definitions: one decorator per handler.
 */

const FRESHNESS = 'Every replica applies it within 5 s; the one that made the change, at once.';
const PROTECTED = 'Properties that are built in (`native`) or `locked` cannot be changed: 409 `property_conflict`.';
const LIMITS = `A team can have ${MAX_TEAM_PROPERTIES} properties and ${MAX_TEAM_OPTIONS} options of all object types, with ${MAX_TEAM_BYTES} bytes as JSON: beyond that, also 409 \`property_conflict\`.`;
const USED =
  'Deleted records count, because they can be restored. The search can read every record of the object type: it has `QUERY_TIMEOUT_MS`, and beyond that the status is 503. A value that another replica writes in the 5 s after the deletion is not seen, and remains in its record.';

const name: Schema = { type: 'string', minLength: 1, maxLength: MAX_NAME_LENGTH, description: 'The display name.' };
const slug: Schema = {
  type: 'string',
  pattern: `^[a-z0-9][a-z0-9_-]{0,${MAX_SLUG_LENGTH - 1}}$`,
  description: 'By default the display name in lower case with `_`, and a number at its end if that slug is taken.',
};
const type: Schema = { type: 'string', enum: [...PROPERTY_TYPES] };
const listId: Schema = { anyOf: [UUID_SCHEMA, { type: 'null' }] };
const sortIndex: Schema = {
  anyOf: [{ type: 'integer', minimum: 0, maximum: 1_000_000 }, { type: 'null' }],
  description: 'The place among the options: a smaller number goes first. By default the last.',
};
const required: Schema = {
  type: 'boolean',
  description: 'Applies to later writes. Records without a value keep none.',
};

/** Members that the official SDKs repeat. Others than those of the definition are rejected. */
const repeated = { type: { ...type, description: 'The type of the property; it cannot be changed.' }, list_id: listId };
const repeatedSlug: Schema = { type: 'string', description: 'The current slug; it cannot be changed.' };

export const ApiCreateProperty = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'createProperty',
      summary: 'Define a property',
      description: `A name, and a slug that is given, must be unused in the list, or in \`default\`: otherwise 409 \`property_conflict\`, and the message names the definition. ${LIMITS} ${FRESHNESS}`,
    }),
    body({
      required: ['type', 'name'],
      properties: {
        slug,
        type,
        name,
        required: { ...required, default: false },
        lookup: { ...LOOKUP_SCHEMA, default: 'none' },
        list_id: { ...listId, description: 'The list whose block holds the property. By default `default` holds it.' },
        options: {
          type: 'array',
          maxItems: MAX_OPTIONS,
          description: 'Only with `select_str` and `multiselect_str`.',
          items: {
            type: 'object',
            required: ['value'],
            additionalProperties: false,
            properties: { slug, value: name, sort_index: sortIndex },
          },
        },
      },
      example: { type: 'select_str', name: 'Tier', options: [{ value: 'Gold' }, { value: 'Silver' }] },
    }),
    ok(201, 'The new definition.', DEFINITION_SCHEMA),
    ApiErrors({ body: true, idempotent: true }, 'property_conflict'),
    idempotencyKey,
    ApiTarget('Properties'),
  );

export const ApiPatchProperty = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'patchProperty',
      summary: 'Change a property',
      description: `Only \`name\`, \`required\` and \`lookup\` can be changed. A lookup is built by a worker, which begins when no replica uses the previous definition; to ask again for a unique lookup that has \`failed\` verifies its values again. ${PROTECTED} ${FRESHNESS}`,
    }),
    body({
      properties: { name, required, lookup: LOOKUP_SCHEMA, slug: repeatedSlug, ...repeated },
      example: { name: 'Level', required: true },
    }),
    ok(200, 'The definition after the change.', DEFINITION_SCHEMA),
    ApiErrors({ body: true, idempotent: true }, 'property_conflict'),
    idempotencyKey,
    propertyId(),
    ApiTarget('Properties'),
  );

export const ApiDeleteProperty = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'deleteProperty',
      summary: 'Delete a property that no record uses',
      description: `Its options are deleted too. If a record has a value: 409 \`property_in_use\`. ${USED} ${PROTECTED}`,
    }),
    deletion(),
    propertyId(),
    ApiTarget('Properties'),
  );

export const ApiCreateOption = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'createPropertyOption',
      summary: 'Add an option to a select property',
      description: `The property can be built in: the option is then added for this team. A slug that is given must be unused in the property: otherwise 409 \`property_conflict\`. ${LIMITS} ${FRESHNESS}`,
    }),
    body({
      required: ['value'],
      properties: { slug, value: name, sort_index: sortIndex, ...repeated },
      example: { value: 'Platinum' },
    }),
    ok(201, 'The new option.', OPTION_SCHEMA),
    ApiErrors({ body: true, idempotent: true }, 'property_conflict'),
    idempotencyKey,
    propertyId(),
    ApiTarget('Properties'),
  );

export const ApiPatchOption = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'patchPropertyOption',
      summary: 'Change an option',
      description: `Records have the slug, so it cannot be changed. Built-in options cannot be changed: 409 \`property_conflict\`. ${FRESHNESS}`,
    }),
    body({
      properties: { value: name, sort_index: sortIndex, slug: repeatedSlug, ...repeated },
      example: { value: 'Platinum+' },
    }),
    ok(200, 'The option after the change.', OPTION_SCHEMA),
    ApiErrors({ body: true, idempotent: true }, 'property_conflict'),
    idempotencyKey,
    optionId(),
    propertyId(),
    ApiTarget('Properties'),
  );

export const ApiDeleteOption = (): MethodDecorator =>
  applyDecorators(
    ApiOperation({
      operationId: 'deletePropertyOption',
      summary: 'Delete an option that no record has',
      description: `If a record has it: 409 \`property_in_use\`. ${USED} Built-in options cannot be deleted: 409 \`property_conflict\`.`,
    }),
    deletion(),
    optionId(),
    propertyId(),
    ApiTarget('Properties'),
  );

function body({
  example,
  ...schema
}: {
  required?: string[];
  properties: Record<string, Schema>;
  example: unknown;
}): MethodDecorator {
  return ApiBody({
    required: true,
    schema: { type: 'object', additionalProperties: false, ...schema },
    examples: { body: { summary: 'A request', value: example } },
  });
}

function ok(status: number, description: string, schema: Schema): MethodDecorator {
  return ApiResponse({
    status,
    description,
    headers: headerRefs('idempotent-replay'),
    content: { 'application/json': { schema } },
  });
}

function deletion(): MethodDecorator {
  return applyDecorators(
    ApiResponse({ status: 204, description: 'Deleted.', headers: headerRefs() }),
    ApiErrors({}, 'property_conflict', 'property_in_use'),
    ApiQuery({ name: 'type', required: false, description: 'The type of the property.', schema: type }),
    ApiQuery({ name: 'list_id', required: false, description: 'The list of the property.', schema: UUID_SCHEMA }),
  );
}

function propertyId(): MethodDecorator {
  return ApiParam({ name: 'property', description: 'The id of the property.', schema: UUID_SCHEMA });
}

function optionId(): MethodDecorator {
  return ApiParam({ name: 'option', description: 'The id of the option.', schema: UUID_SCHEMA });
}
