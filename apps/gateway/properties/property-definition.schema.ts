import { lookupValues, objectTypes, type PropertyDefinition, propertyTypes } from '#libs/properties';
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

export const lookupSchema: Schema = {
  type: 'string',
  enum: [...lookupValues],
  description:
    '`indexed`: filters with `=` and `in`, `by/` and `match` find records by this value with an index. `unique`: also, no two records can have the same value. Only for `str`, `num`, `date`, `select_str` and `ref_*` in `default`.',
};

/** The definition of a property. */
export const definitionSchema: Schema = {
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
    lookup: lookupSchema,
    lookup_state: {
      anyOf: [{ type: 'string', enum: ['building', 'ready', 'failed'] }, { type: 'null' }],
      description:
        '`building` until every value is in the lookup; it is not used until then. `failed`: it is used, but records had equal values of this unique property before. Null without a lookup.',
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

export type WireDefinition = Omit<PropertyDefinition, 'unsupportedType' | 'lookup_state'> & {
  readonly lookup_state: WireLookupState;
};
/** Clients need not know about the internal states. */
type WireLookupState = 'building' | 'ready' | 'failed' | null;

/** A definition with the members of {@link definitionSchema}, in their order. */
export function wireDefinition(definition: PropertyDefinition): WireDefinition {
  const { id, slug, type, name, required, native, locked, list_id, lookup, options } = definition;
  const lookup_state = wireLookupState(definition);
  return { id, slug, type, name, required, native, locked, list_id, lookup, lookup_state, options };
}

function wireLookupState({ lookup_state: state }: PropertyDefinition): WireLookupState {
  if (state === 'verifying') return 'building';
  return state === 'removing' ? null : state;
}
