/** Every type of record, as it appears on the wire. */
export const OBJECT_TYPES = [
  'organization',
  'contact',
  'identity',
  'deal',
  'action',
  'document',
  'engagement',
  'event',
  'comment',
] as const;

export type ObjectType = (typeof OBJECT_TYPES)[number];

const PLAIN_TYPES = [
  'str',
  'num',
  'bool',
  'date',
  'text',
  'select_str',
  'multiselect_str',
  'multi_str',
  'jsonb',
] as const;

type PlainType = (typeof PLAIN_TYPES)[number];

/** The type of a property. `ref_<object type>` holds the id of one record of that type, `multiref_<object type>` several. */
export type PropertyType = PlainType | `ref_${ObjectType}` | `multiref_${ObjectType}`;

export const PROPERTY_TYPES: readonly PropertyType[] = [
  ...PLAIN_TYPES,
  ...OBJECT_TYPES.map((object) => `ref_${object}` as const),
  ...OBJECT_TYPES.map((object) => `multiref_${object}` as const),
];

const KNOWN_OBJECT_TYPES: ReadonlySet<string> = new Set(OBJECT_TYPES);
const KNOWN_PROPERTY_TYPES: ReadonlySet<string> = new Set(PROPERTY_TYPES);

export function isObjectType(text: string): text is ObjectType {
  return KNOWN_OBJECT_TYPES.has(text);
}

export function isPropertyType(text: string): text is PropertyType {
  return KNOWN_PROPERTY_TYPES.has(text);
}

/** An option of a select property. Clients write it as `slug` or `id` and read it as `slug`; `value` is the display name. */
export interface PropertyOption {
  readonly id: string;
  readonly slug: string;
  readonly value: string;
}

/** The values of `lookup`: whether an index finds records by a value, and whether two records can have the same one. */
export const LOOKUP_VALUES = ['none', 'indexed', 'unique'] as const;
export type Lookup = (typeof LOOKUP_VALUES)[number];

/**
 * How far a lookup is built (0005_record_lookups.sql). Its values are complete except while it is `building`. Only `ready` unique
 * lookups have no duplicates. Null without a lookup.
 */
export type LookupState = 'building' | 'verifying' | 'ready' | 'failed' | 'removing' | null;

/** The definition of one property of an object type. */
export interface PropertyDefinition {
  readonly id: string;
  /** The key of the value in a record. */
  readonly slug: string;
  readonly type: PropertyType;
  /**
   * The type in the database, if this release does not support it. Such a property is a read-only `jsonb`: its values are
   * returned unchanged, and writes are rejected. Not on the wire.
   */
  readonly unsupportedType?: string;
  readonly name: string;
  /** It must be present on create and cannot be cleared. */
  readonly required: boolean;
  /** Built in, and the same for every team. */
  readonly native: boolean;
  /** Read-only: only the gateway writes it. */
  readonly locked: boolean;
  /** The list whose block holds the property; null if `default` holds it. */
  readonly list_id: string | null;
  readonly lookup: Lookup;
  readonly lookup_state: LookupState;
  readonly options: readonly PropertyOption[];
}

/** How the values of a property compare in filters and sorts. `text` includes references, as ids, and options, as slugs. */
export type Comparison = 'text' | 'number' | 'date' | 'boolean' | 'json';

type Typed = Pick<PropertyDefinition, 'type'>;

export function comparisonOf({ type }: Typed): Comparison {
  switch (type) {
    case 'num':
      return 'number';
    case 'date':
      return 'date';
    case 'bool':
      return 'boolean';
    case 'jsonb':
      return 'json';
    default:
      return 'text';
  }
}

/** Whether the values of a property are lists. */
export function isMultiValue({ type }: Typed): boolean {
  return type.startsWith('multi');
}

export function hasOptions({ type }: Typed): boolean {
  return type === 'select_str' || type === 'multiselect_str';
}

/** Whether the values of a property are the ids of records. */
export function isReference({ type }: Typed): boolean {
  return type.includes('ref_');
}
