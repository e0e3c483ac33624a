import type { PropertyDefinition, PropertyOption } from './property-definition';

/** The maximum number of properties that a team can define, of all object types. */
export const MAX_TEAM_PROPERTIES = 2_000;
/** The maximum number of options that a team can add, of all properties. */
export const MAX_TEAM_OPTIONS = 10_000;
/**
 * The maximum size of both as JSON. Every gateway parses this much after a change, which takes about 5 ms of its event loop.
 */
export const MAX_TEAM_BYTES = 2 * 2 ** 20;

/** What a team has defined, or adds. */
export interface TeamUsage {
  readonly properties: number;
  readonly options: number;
  /** The size of the rows as JSON, as Postgres renders them. */
  readonly bytes: number;
}

export const NO_USAGE: TeamUsage = { properties: 0, options: 0, bytes: 0 };

/** The usage of a new property with its options. */
export function usageOfProperty({ options, ...definition }: PropertyDefinition): TeamUsage {
  const own = { properties: 1, options: 0, bytes: rowBytes({ object_type: '', ...definition }) };
  return options.reduce((sum, option) => plus(sum, usageOfOption(definition.id, option)), own);
}

/** The usage of a new option. */
export function usageOfOption(propertyId: string, option: PropertyOption): TeamUsage {
  return { properties: 0, options: 1, bytes: rowBytes({ property_id: propertyId, ...option }) };
}

/** The growth of the usage when a display name is changed. */
export function usageOfRenaming(before: string, after: string): TeamUsage {
  return { properties: 0, options: 0, bytes: rowBytes({ name: after }) - rowBytes({ name: before }) };
}

export function plus(a: TeamUsage, b: TeamUsage): TeamUsage {
  return {
    properties: a.properties + b.properties,
    options: a.options + b.options,
    bytes: a.bytes + b.bytes,
  };
}

/**
 * Why a team cannot add so much; undefined if it can. A team with more than a limit allows, from before there was one, can still
 * change and delete what it has.
 */
export function exceededLimit(usage: TeamUsage, added: TeamUsage): string | undefined {
  const exceeds = (of: keyof TeamUsage, maximum: number): boolean => added[of] > 0 && usage[of] + added[of] > maximum;
  if (exceeds('properties', MAX_TEAM_PROPERTIES)) {
    return `a team can have ${MAX_TEAM_PROPERTIES} properties of all object types, and this one has ${usage.properties}: delete some that no record uses`;
  }
  if (exceeds('options', MAX_TEAM_OPTIONS)) {
    return `a team can have ${MAX_TEAM_OPTIONS} options of all properties, and this one has ${usage.options}: delete some that no record has`;
  }
  if (exceeds('bytes', MAX_TEAM_BYTES)) {
    return `the properties and options of a team can have ${MAX_TEAM_BYTES} bytes as JSON, and those of this one have ${usage.bytes}: delete some, or use shorter names`;
  }
  return undefined;
}

/** About as Postgres renders it, which puts spaces around colons and after commas. */
function rowBytes(row: object): number {
  return Buffer.byteLength(JSON.stringify(row)) + 3 * Object.keys(row).length;
}
