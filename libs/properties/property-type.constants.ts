import { isObjectType, ObjectType, objectTypes } from './object-type.constants';

const plainTypes = [
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

type PlainType = (typeof plainTypes)[number];

/** What a property holds. `ref_<object type>` is the id of a record of that type, `multiref_<object type>` several. */
export type PropertyType = PlainType | `ref_${ObjectType}` | `multiref_${ObjectType}`;

export const propertyTypes: readonly PropertyType[] = [
  ...plainTypes,
  ...objectTypes.map((object) => `ref_${object}` as const),
  ...objectTypes.map((object) => `multiref_${object}` as const),
];

const plain: ReadonlySet<string> = new Set(plainTypes);

export function isPropertyType(text: string): text is PropertyType {
  if (plain.has(text)) return true;
  const reference = /^(?:multi)?ref_(.+)$/.exec(text);
  return reference?.[1] !== undefined && isObjectType(reference[1]);
}
