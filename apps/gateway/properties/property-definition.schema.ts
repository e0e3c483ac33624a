import { LOOKUP_VALUES, OBJECT_TYPES, type PropertyDefinition, PROPERTY_TYPES } from '#libs/properties';
import { UUID_SCHEMA } from '../docs/record.schemas';
import type { Schema } from '../docs/schema.type';

/** An option of a select property. */
export const OPTION_SCHEMA: Schema = {
  type: 'object',
  required: ['id', 'slug', 'value'],
  additionalProperties: false,
  properties: {
    id: UUID_SCHEMA,
    slug: { type: 'string', description: 'The value in records. Write the slug or the id; reads return the slug.' },
    value: { type: 'string', description: 'The display name.' },
  },
};

export const LOOKUP_SCHEMA: Schema = {
  type: 'string',
  enum: [...LOOKUP_VALUES],
  description:
    '`indexed`: filters with `=` and `in`, `by/` and `match` find records by this value with an index. `unique`: also, no two records can have the same value. Only for `str`, `num`, `date`, `select_str` and `ref_*` in `default`.',
};

/** The definition of a property. */
export const DEFINITION_SCHEMA: Schema = {
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
    id: UUID_SCHEMA,
    slug: { type: 'string', description: 'The key of the value in a record.' },
    type: { type: 'string', enum: [...PROPERTY_TYPES] },
    name: { type: 'string' },
    required: { type: 'boolean', description: 'Must be present on create and cannot be cleared.' },
    native: { type: 'boolean', description: 'Built in, and the same for every team.' },
    locked: { type: 'boolean', description: 'Read-only.' },
    list_id: {
      anyOf: [UUID_SCHEMA, { type: 'null' }],
      description: 'The list whose block holds the property; null if `default` holds it.',
    },
    lookup: LOOKUP_SCHEMA,
    lookup_state: {
      anyOf: [{ type: 'string', enum: ['building', 'ready', 'failed'] }, { type: 'null' }],
      description:
        '`building` until every value is in the lookup; it is not used until then. `failed`: it is used, but records had equal values of this unique property before. Null without a lookup.',
    },
    options: { type: 'array', items: OPTION_SCHEMA, description: 'The options of a select property, in order.' },
  },
};

const definitionsById: Schema = {
  type: 'object',
  description: 'Definitions by their id.',
  additionalProperties: DEFINITION_SCHEMA,
};

/** Definitions by object type, then by id. */
export const DEFINITIONS_SCHEMA: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(OBJECT_TYPES.map((objectType) => [objectType, definitionsById])),
};

export type WireDefinition = Omit<PropertyDefinition, 'unsupportedType' | 'lookup_state'> & {
  readonly lookup_state: WireLookupState;
};
/** Clients need not know about the internal states. */
type WireLookupState = 'building' | 'ready' | 'failed' | null;

/** A definition with the members of {@link DEFINITION_SCHEMA}, in their order. */
export function wireDefinition(definition: PropertyDefinition): WireDefinition {
  const { id, slug, type, name, required, native, locked, list_id, lookup, options } = definition;
  const lookup_state = wireLookupState(definition);
  return { id, slug, type, name, required, native, locked, list_id, lookup, lookup_state, options };
}

function wireLookupState({ lookup_state: state }: PropertyDefinition): WireLookupState {
  if (state === 'verifying') return 'building';
  return state === 'removing' ? null : state;
}
