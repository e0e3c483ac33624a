import { type Schema, schemaRef } from './schema.type';

export const UUID_SCHEMA: Schema = { type: 'string', format: 'uuid' };
const etag: Schema = {
  type: 'string',
  pattern: '^"[0-9]+-[0-9a-f]+"$',
  description: 'Identifies the state of the record. Opaque: compare it for equality only.',
};
const UUID_PATTERN = '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$';

const extended: Schema = { type: 'object', description: 'Any object. Merged by top-level key; null removes a key.' };

function block(description: string, ofList: string): Record<string, Schema> {
  return {
    default: { ...schemaRef('Properties'), description },
    list: {
      type: 'object',
      description: ofList,
      // OpenAPI 3.1 has propertyNames, but the types of @nestjs/swagger are for 3.0.
      ...{ propertyNames: { pattern: UUID_PATTERN } },
      additionalProperties: schemaRef('Properties'),
    },
  };
}

/** Records and their changes. */
export const RECORD_SCHEMAS: Readonly<Record<string, Schema>> = {
  Etag: etag,
  Properties: {
    type: 'object',
    description:
      'Values by property slug. The definition of a property has the type of its value: see `GET /v2/prism/{team}/{object}/properties`.',
  },
  Operator: {
    type: 'object',
    description: 'Instead of the value of a property with several values: adds elements, or removes them.',
    required: ['_op', 'values'],
    additionalProperties: false,
    properties: {
      _op: { type: 'string', enum: ['append', 'remove'] },
      values: { type: 'array', maxItems: 1_000, items: {} },
    },
  },
  Increment: {
    type: 'object',
    description:
      'Instead of the value of a number property: adds to it. A property without a value counts as 0. The sum must be within ±(2^53 − 1), and keep its decimal value as a double.',
    required: ['_op', 'by'],
    additionalProperties: false,
    properties: { _op: { type: 'string', enum: ['increment'] }, by: { type: 'number' } },
  },
  Record: {
    type: 'object',
    required: ['id'],
    additionalProperties: false,
    properties: {
      id: UUID_SCHEMA,
      ...block('The properties of the object type.', 'The properties of each list that the record is in, by list id.'),
      extended: { type: 'object', description: 'Data that callers store in addition to the properties.' },
    },
  },
  RecordChange: {
    type: 'object',
    description:
      'The change of a record. An omitted property keeps its value; null clears it; an array replaces it; an `Operator` adds or removes elements, an `Increment` adds to a number. The change is applied completely or not at all.',
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
