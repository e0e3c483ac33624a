import { type Schema, schemaRef } from './schema.type';

export const uuid: Schema = { type: 'string', format: 'uuid' };
const etag: Schema = { type: 'string', pattern: '^"[0-9]+"$', description: "The record's version, in quotes." };
const UUID_PATTERN = '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$';

const extended: Schema = { type: 'object', description: 'Opaque. Merged by top-level key; null removes a key.' };

function block(description: string, ofList: string): Record<string, Schema> {
  return {
    default: { ...schemaRef('Properties'), description },
    list: {
      type: 'object',
      description: ofList,
      // OpenAPI 3.1 has propertyNames; the types of @nestjs/swagger, written for 3.0, do not know it.
      ...{ propertyNames: { pattern: UUID_PATTERN } },
      additionalProperties: schemaRef('Properties'),
    },
  };
}

/** Records, and changes to them. */
export const recordSchemas: Readonly<Record<string, Schema>> = {
  Etag: etag,
  Properties: {
    type: 'object',
    description:
      'Values by property slug. What a slug may hold is for its definition to say: see `GET /v2/prism/{team}/{object}/properties`.',
  },
  Operator: {
    type: 'object',
    description: 'In place of the value of a property with several values: adds to the set, or removes from it.',
    required: ['_op', 'values'],
    additionalProperties: false,
    properties: {
      _op: { type: 'string', enum: ['append', 'remove'] },
      values: { type: 'array', maxItems: 1_000, items: {} },
    },
  },
  Record: {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: uuid,
      ...block(
        'The values that every view of the record shares.',
        'The values of each list the record is on, by list id.',
      ),
      extended: { type: 'object', description: 'What the caller stored beside the properties.' },
    },
  },
  RecordChange: {
    type: 'object',
    description:
      'What to change. An omitted property stays; null clears; an array replaces; an operator object (see `Operator`) adds or removes elements. All of it happens, or nothing.',
    additionalProperties: false,
    properties: { ...block('Values to set.', 'Values to set per list, by list id.'), extended },
  },
  RecordCreate: {
    type: 'object',
    description: 'The values of a new record: at least one block.',
    minProperties: 1,
    additionalProperties: false,
    properties: { ...block('Values to set.', 'Values to set per list, by list id.'), extended },
  },
};
