import { lookups, objectTypes, propertyTypes } from '#libs/properties';
import { uuid } from '../docs/record.schemas';
import type { Schema } from '../docs/schema.type';

const option: Schema = {
  type: 'object',
  required: ['id', 'slug', 'value'],
  additionalProperties: false,
  properties: {
    id: uuid,
    slug: { type: 'string', description: 'The value in records. Write the slug or the id; reads return the slug.' },
    value: { type: 'string', description: 'The display name.' },
  },
};

const definition: Schema = {
  type: 'object',
  required: [
    'id',
    'slug',
    'type',
    'name',
    'required',
    'native',
    'locked',
    'list_id',
    'lookup',
    'lookup_state',
    'options',
  ],
  additionalProperties: false,
  properties: {
    id: uuid,
    slug: { type: 'string', description: 'The key of the value in a record.' },
    type: { type: 'string', enum: [...propertyTypes] },
    name: { type: 'string' },
    required: { type: 'boolean', description: 'Must be present on create and cannot be cleared.' },
    native: { type: 'boolean', description: 'Built in, and the same for every team.' },
    locked: { type: 'boolean', description: 'Read-only.' },
    list_id: {
      anyOf: [uuid, { type: 'null' }],
      description: 'The list whose block holds the property; null if `default` holds it.',
    },
    lookup: {
      type: 'string',
      enum: [...lookups],
      description:
        '`indexed`: filters with `=` and `in`, `by/` and `match` find records by this value with an index. `unique`: also, no two records can have the same value.',
    },
    lookup_state: {
      anyOf: [{ type: 'string', enum: ['building', 'ready', 'failed'] }, { type: 'null' }],
      description:
        '`building` until every value is in the lookup; it is not used until then. `failed`: it is used, but records had equal values of this unique property before. Null without a lookup.',
    },
    options: { type: 'array', items: option, description: 'The options of a select property, in order.' },
  },
};

const definitionsById: Schema = {
  type: 'object',
  description: 'Definitions by their id.',
  additionalProperties: definition,
};

/** Definitions by object type, then by id. */
export const definitionsSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(objectTypes.map((objectType) => [objectType, definitionsById])),
};
