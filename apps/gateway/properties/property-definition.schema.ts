import { objectTypes, type PropertyDefinition, propertyTypes } from '#libs/properties';
import { uuid } from '../docs/record.schemas';
import type { Schema } from '../docs/schema.type';

/** An option of a select property. */
export const optionSchema: Schema = {
  type: 'object',
  required: ['id', 'slug', 'value'],
  additionalProperties: false,
  properties: {
    id: uuid,
    slug: { type: 'string', description: 'The value in records. Write the slug or the id; reads return the slug.' },
    value: { type: 'string', description: 'The display name.' },
  },
};

/** The definition of a property. */
export const definitionSchema: Schema = {
  type: 'object',
  required: ['id', 'slug', 'type', 'name', 'required', 'native', 'locked', 'list_id', 'options'],
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
    options: { type: 'array', items: optionSchema, description: 'The options of a select property, in order.' },
  },
};

const definitionsById: Schema = {
  type: 'object',
  description: 'Definitions by their id.',
  additionalProperties: definitionSchema,
};

/** Definitions by object type, then by id. */
export const definitionsSchema: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(objectTypes.map((objectType) => [objectType, definitionsById])),
};

export type WireDefinition = Omit<PropertyDefinition, 'unsupportedType'>;

/** A definition with the members of {@link definitionSchema}, in their order. */
export function wireDefinition(definition: PropertyDefinition): WireDefinition {
  const { id, slug, type, name, required, native, locked, list_id, options } = definition;
  return { id, slug, type, name, required, native, locked, list_id, options };
}
