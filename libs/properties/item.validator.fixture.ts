import type { Change, Validation } from './item.change';
import { ItemValidator } from './item.validator';
import type { PropertyDefinition } from './property-definition';

export const LIST = '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21';
export const OTHER_LIST = '7a3f2c55-6f0b-4a8e-8c0d-5d2e9b1a4f63';
export const RED = 'ab000000-0000-4000-8000-000000000001';
export const BLUE = 'ab000000-0000-4000-8000-000000000002';
export const ID = '11111111-1111-1111-1111-11111111111a';
const OPTIONS = [
  { id: RED, slug: 'red', value: 'Red' },
  { id: BLUE, slug: 'blue', value: 'Blue' },
];

/** A definition without restrictions, changed by `rest`. */
export function property(
  slug: string,
  type: PropertyDefinition['type'],
  rest: Partial<PropertyDefinition> = {},
): PropertyDefinition {
  return {
    id: `id of ${slug}`,
    slug,
    type,
    name: slug,
    required: false,
    native: false,
    locked: false,
    list_id: null,
    lookup: 'none',
    lookup_state: null,
    options: type.includes('select') ? OPTIONS : [],
    ...rest,
  };
}

/** One property of each kind in `default`, and three of the list {@link LIST}. */
export const definitions = [
  property('name', 'str', { required: true }),
  property('notes', 'text'),
  property('size', 'num'),
  property('open', 'bool'),
  property('day', 'date'),
  property('color', 'select_str'),
  property('colors', 'multiselect_str'),
  property('tags', 'multi_str'),
  property('blob', 'jsonb'),
  property('company', 'ref_organization'),
  property('companies', 'multiref_organization'),
  property('created_at', 'date', { locked: true }),
  property('owner', 'str', { list_id: LIST, required: true }),
  property('rating', 'num', { list_id: LIST }),
  property('places', 'multi_str', { list_id: LIST }),
];

/** Rejects unknown properties. */
export const validator = new ItemValidator('organization', definitions, 'reject');
/** Accepts unknown properties. */
export const lenient = new ItemValidator('organization', definitions, 'accept');

/** @throws Error if the validation has errors */
export function changed(validation: Validation): Change {
  if ('errors' in validation) throw new Error(JSON.stringify(validation));
  return validation.change;
}

/** @throws Error if the validation has a change */
export function rejected(validation: Validation): { code: string; fields: string[]; messages: string[] } {
  if ('change' in validation) throw new Error(JSON.stringify(validation));
  const { code, errors } = validation;
  return { code, fields: errors.map((e) => e.field), messages: errors.map((e) => e.message) };
}
