import { comparisonOf, isMultiValue, type PropertyDefinition } from './property-definition';

/** How the values of a lookup compare. */
export type LookupKind = 'text' | 'number' | 'date';

/** A lookup whose rows a change of a record has to keep up to date, as `store_lookups` of the database takes it. */
export interface LookupTarget {
  /** Of the definition. */
  readonly id: string;
  readonly slug: string;
  readonly kind: LookupKind;
  readonly unique?: true;
  /** Its values are not complete or verified yet. */
  readonly building?: true;
}

/** The part of a definition that says what lookup it has. */
export type LookupDefinition = Pick<PropertyDefinition, 'id' | 'slug' | 'type' | 'list_id' | 'lookup' | 'lookup_state'>;

/**
 * How the values of a property compare in a lookup; undefined if it can have none: properties of lists, with long texts (`text`),
 * with several values, with whole JSON documents, and `bool`, because an index on two values excludes too few records.
 */
export function lookupKindOf(definition: Pick<PropertyDefinition, 'type' | 'list_id'>): LookupKind | undefined {
  const { type, list_id } = definition;
  if (list_id !== null || type === 'text' || isMultiValue(definition)) return undefined;
  const comparison = comparisonOf(definition);
  return comparison === 'json' || comparison === 'boolean' ? undefined : comparison;
}

/** Whether the lookup finds all records that have a value: it holds values of this type, and it is built. */
export function isIndexed(definition: LookupDefinition): boolean {
  const { lookup, lookup_state: state } = definition;
  return lookup !== 'none' && state !== 'building' && lookupKindOf(definition) !== undefined;
}

/** The properties of `default` that a change sets, clears or operates on, by slug: a part of `BlockChange`. */
interface TouchedProperties {
  readonly set?: object | null;
  readonly clear?: readonly string[] | null;
  readonly ops?: object | null;
}

/** The lookups of the properties that a change touches. */
export function lookupsTouchedBy(
  { set, clear, ops }: TouchedProperties,
  targets: ReadonlyMap<string, LookupTarget>,
): LookupTarget[] {
  if (targets.size === 0) return [];
  return [...Object.keys(set ?? {}), ...(clear ?? []), ...Object.keys(ops ?? {})]
    .map((slug) => targets.get(slug))
    .filter((target) => target !== undefined);
}

/** The lookups of one object type by slug, in any state: gateways also store the values of one that is being removed. */
export function lookupTargetsOf(definitions: readonly LookupDefinition[]): ReadonlyMap<string, LookupTarget> {
  const targets = new Map<string, LookupTarget>();
  const slugs = new Set<string>();
  for (const definition of definitions) {
    const { id, slug, list_id, lookup, lookup_state: state } = definition;
    if (list_id !== null || slugs.has(slug)) continue;
    slugs.add(slug); // of several definitions with a slug, the first applies
    const kind = lookupKindOf(definition);
    if (state === null || kind === undefined) continue;
    const building = state === 'building' || state === 'verifying';
    targets.set(slug, {
      id,
      slug,
      kind,
      ...(lookup === 'unique' && { unique: true }),
      ...(building && { building: true }),
    });
  }
  return targets;
}
