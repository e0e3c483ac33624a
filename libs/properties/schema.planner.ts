import { v7 as uuidv7 } from 'uuid';
import { type FieldError, RequestError } from '#libs/errors';
import { BUILT_IN_DEFINITIONS } from './built-in.definitions';
import { nextLookupState } from './lookup.state';
import { lookupKindOf } from './lookup.target';
import {
  hasOptions,
  type Lookup,
  type ObjectType,
  type PropertyDefinition,
  type PropertyOption,
} from './property-definition';
import {
  type Deletion,
  type Expected,
  MAX_OPTIONS,
  type NewOption,
  type NewProperty,
  type OptionPatch,
  type PropertyPatch,
  type SchemaChange,
  type SchemaChangeError,
} from './schema.change';
import { RESERVED_SLUGS, slugOfName } from './slug.rules';
import { exceededLimit, type TeamUsage, usageOfOption, usageOfProperty, usageOfRenaming } from './team.usage';

/** The maximum number of definitions that a team can add to an object type. */
const MAX_DEFINITIONS = 500;
/** The maximum number of lookups that a team can have on an object type: every write of a value changes a row of each. */
const MAX_LOOKUPS = 20;

/**
 * Plans changes of the definitions of one object type. Each method decides by the definitions and the usage of the team that the
 * constructor received, and changes nothing itself.
 *
 * @throws RequestError `invalid_request` for a request that does not fit the definition
 */
export class SchemaPlanner {
  constructor(
    private readonly objectType: ObjectType,
    private readonly definitions: readonly PropertyDefinition[],
    private readonly usage: TeamUsage,
  ) {}

  createProperty(input: NewProperty): SchemaChange<PropertyDefinition> {
    const { type, name, required, lookup, listId } = input;
    checkLookup({ type, list_id: listId }, lookup);
    if (this.definitions.filter(({ native }) => !native).length >= MAX_DEFINITIONS) {
      return conflict(`The team has ${MAX_DEFINITIONS} properties of this object type, which is the maximum.`);
    }
    if (lookup !== 'none' && this.hasMaxLookups()) return tooManyLookups;
    const sameName = this.findByName(name, listId);
    if (sameName !== undefined) return conflict(`${describe(sameName)} has this name: use it, or choose another name.`);
    const sameSlug = input.slug === undefined ? undefined : this.findBySlug(input.slug, listId);
    if (sameSlug !== undefined) return conflict(`${describe(sameSlug)} has this slug: use it, or choose another slug.`);

    const isTaken = (slug: string): boolean => RESERVED_SLUGS.has(slug) || this.findBySlug(slug, listId) !== undefined;
    const slug = input.slug ?? slugOfName(name, isTaken) ?? noSlug('.body.slug', 'name');
    const id = uuidv7();
    const definition: PropertyDefinition = {
      ...{ id, slug, type, name, required, native: false, locked: false, list_id: listId },
      ...{ lookup, lookup_state: lookup === 'none' ? null : 'building' },
      options: optionsOf(input.options),
    };
    const limitError = this.limitErrorOf(usageOfProperty(definition));
    return limitError ?? { status: 'ok', id, result: definition, write: { op: 'insert_definition', definition } };
  }

  patchProperty(id: string, patch: PropertyPatch, expected: Expected): SchemaChange<PropertyDefinition> {
    const definition = this.find(id);
    if (definition === undefined) return notFound;
    checkExpected(definition, expected, '.body');
    if (isProtected(definition)) return protectedProperty(definition);
    const { name = definition.name, required = definition.required } = patch;
    const sameName = this.findByName(name, definition.list_id, id);
    if (patch.name !== undefined && sameName !== undefined) {
      return conflict(`${describe(sameName)} has this name: choose another name.`);
    }
    const { lookup = definition.lookup } = patch;
    checkLookup(definition, lookup);
    if (lookup !== 'none' && definition.lookup === 'none' && this.hasMaxLookups()) return tooManyLookups;
    const state = patch.lookup === undefined ? definition.lookup_state : nextLookupState(definition, lookup);
    const isLookupChanged = lookup !== definition.lookup || state !== definition.lookup_state;
    const isChanged = name !== definition.name || required !== definition.required || isLookupChanged;
    const changed: PropertyDefinition = { ...definition, name, required, lookup, lookup_state: state };
    const write = isChanged ? ({ op: 'update_definition', definition: changed, isLookupChanged } as const) : undefined;
    const limitError = this.limitErrorOf(usageOfRenaming(definition.name, name));
    return limitError ?? { status: 'ok', id, result: changed, write };
  }

  deleteProperty(id: string, expected: Expected): SchemaChange<Deletion> {
    const definition = this.find(id);
    if (definition === undefined) return notFound;
    checkExpected(definition, expected, '.query');
    if (isProtected(definition)) return protectedProperty(definition);
    return {
      status: 'ok',
      id,
      result: { definition, option: undefined },
      write: { op: 'delete_definition', id },
    };
  }

  createOption(propertyId: string, input: NewOption, expected: Expected): SchemaChange<PropertyOption> {
    const definition = this.find(propertyId);
    if (definition === undefined) return notFound;
    checkExpected(definition, expected, '.body');
    checkHasOptions(definition);
    if (definition.locked) return protectedProperty(definition);
    const { options } = definition;
    if (options.length >= MAX_OPTIONS) {
      return conflict(`The property has ${MAX_OPTIONS} options, which is the maximum.`);
    }
    const isTaken = (slug: string): boolean => options.some((option) => option.slug === slug);
    if (input.slug !== undefined && isTaken(input.slug)) {
      return conflict(`The property has an option ${input.slug}: use it, or choose another slug.`);
    }
    const slug = input.slug ?? slugOfName(input.value, isTaken) ?? noSlug('.body.slug', 'value');
    const option = { id: uuidv7(), slug, value: input.value };
    const write = { op: 'insert_option', propertyId, option, position: input.position } as const;
    const limitError = this.limitErrorOf(usageOfOption(propertyId, option));
    return limitError ?? { status: 'ok', id: option.id, result: option, write };
  }

  patchOption(propertyId: string, id: string, patch: OptionPatch, expected: Expected): SchemaChange<PropertyOption> {
    const found = this.findOption(propertyId, id, { type: expected.type, listId: expected.listId }, '.body');
    if (found.status === 'error') return found;
    const { option } = found;
    checkUnchanged('.body.slug', expected.slug, option.slug);
    const { value = option.value, position } = patch;
    const changed = { ...option, value };
    const isChanged = value !== option.value || position !== undefined;
    const write = isChanged ? ({ op: 'update_option', propertyId, option: changed, position } as const) : undefined;
    const limitError = this.limitErrorOf(usageOfRenaming(option.value, value));
    return limitError ?? { status: 'ok', id, result: changed, write };
  }

  deleteOption(propertyId: string, id: string, expected: Expected): SchemaChange<Deletion> {
    const found = this.findOption(propertyId, id, expected, '.query');
    if (found.status === 'error') return found;
    const { definition, option } = found;
    return { status: 'ok', id, result: { definition, option }, write: { op: 'delete_option', propertyId, id } };
  }

  /** An option that the team added. */
  private findOption(
    propertyId: string,
    id: string,
    expected: Expected,
    path: string,
  ): { status: 'ok'; definition: PropertyDefinition; option: PropertyOption } | SchemaChangeError {
    const definition = this.find(propertyId);
    const option = definition?.options.find((each) => each.id === id);
    if (definition === undefined || option === undefined) return notFound;
    checkExpected(definition, expected, path);
    const builtIn = BUILT_IN_DEFINITIONS.get(this.objectType)?.find((each) => each.id === propertyId);
    if (builtIn?.options.some((each) => each.id === id)) {
      return conflict(`The option ${option.slug} is built in: it cannot be changed or deleted.`);
    }
    if (definition.locked) return protectedProperty(definition);
    return { status: 'ok', definition, option };
  }

  private limitErrorOf(added: TeamUsage): SchemaChangeError | undefined {
    const limit = exceededLimit(this.usage, added);
    return limit === undefined ? undefined : conflict(`${limit.charAt(0).toUpperCase()}${limit.slice(1)}.`);
  }

  private hasMaxLookups(): boolean {
    return this.definitions.filter(({ native, lookup }) => !native && lookup !== 'none').length >= MAX_LOOKUPS;
  }

  private find(id: string): PropertyDefinition | undefined {
    return this.definitions.find((definition) => definition.id === id);
  }

  /** The property that a slug means in a list, or in `default`. A built-in one has its slug in every list of its object type. */
  private findBySlug(slug: string, listId: string | null): PropertyDefinition | undefined {
    return this.definitions.find((each) => each.slug === slug && (each.native || each.list_id === listId));
  }

  /** Another property of the same list, or of `default`, whose name differs in case at most. */
  private findByName(name: string, listId: string | null, except?: string): PropertyDefinition | undefined {
    const wanted = name.toLowerCase();
    return this.definitions.find(
      (each) => each.list_id === listId && each.id !== except && each.name.toLowerCase() === wanted,
    );
  }
}

const notFound: SchemaChangeError = { status: 'error', code: 'not_found', message: 'The resource does not exist.' };

function conflict(message: string): SchemaChangeError {
  return { status: 'error', code: 'conflict', message };
}

const tooManyLookups = conflict(
  `The team has ${MAX_LOOKUPS} lookups on this object type, which is the maximum: set lookup of another property to none.`,
);

function isProtected({ native, locked }: PropertyDefinition): boolean {
  return native || locked;
}

function protectedProperty({ slug, native }: PropertyDefinition): SchemaChangeError {
  return conflict(`The property ${slug} is ${native ? 'built in' : 'locked'}: it cannot be changed or deleted.`);
}

function describe({ id, slug, type }: PropertyDefinition): string {
  return `The property ${slug} (${type}, id ${id})`;
}

function checkExpected(definition: PropertyDefinition, { type, slug, listId }: Expected, path: string): void {
  checkUnchanged(`${path}.type`, type, definition.type);
  checkUnchanged(`${path}.slug`, slug, definition.slug);
  checkUnchanged(`${path}.list_id`, listId, definition.list_id);
}

/** Clients of the official SDKs repeat the type and the list of a definition. */
function checkUnchanged(field: string, given: string | null | undefined, actual: string | null): void {
  if (given === undefined || given === actual) return;
  const name = field.slice(field.lastIndexOf('.') + 1);
  throw invalid({ field, code: 'immutable', message: `${name} cannot be changed: it is ${String(actual)}` });
}

function checkLookup(definition: Pick<PropertyDefinition, 'type' | 'list_id'>, lookup: Lookup): void {
  if (lookup === 'none' || lookupKindOf(definition) !== undefined) return;
  const reason =
    definition.list_id === null
      ? `type ${definition.type}; str, num, date, select_str and ref_* can have one`
      : 'a list';
  throw invalid({ field: '.body.lookup', code: 'lookup', message: `lookup must be none for a property of ${reason}` });
}

function checkHasOptions(definition: PropertyDefinition): void {
  if (hasOptions(definition)) return;
  const message = `only select_str and multiselect_str properties have options; this one is ${definition.type}`;
  throw invalid({ field: '.path.property', code: 'select', message });
}

/** The options of a new property in their order. Slugs that are given go before slugs that derive from a value. */
function optionsOf(input: readonly NewOption[]): PropertyOption[] {
  const slugs = new Set<string>();
  for (const [index, { slug }] of input.entries()) {
    if (slug === undefined) continue;
    const field = `.body.options[${index}].slug`;
    if (slugs.has(slug)) throw invalid({ field, code: 'duplicate', message: `two options have the slug ${slug}` });
    slugs.add(slug);
  }
  const options = input.map(({ slug: given, value, position }, index) => {
    const slug =
      given ?? slugOfName(value, (each) => slugs.has(each)) ?? noSlug(`.body.options[${index}].slug`, 'value');
    slugs.add(slug);
    return { option: { id: uuidv7(), slug, value }, position: position ?? index };
  });
  // The sort is stable.
  return options.sort((a, b) => a.position - b.position).map(({ option }) => option);
}

function noSlug(field: string, source: 'name' | 'value'): never {
  throw invalid({
    field,
    code: 'required',
    message: `send a slug: ${source} has no letter a-z or digit to derive it from`,
  });
}

function invalid(error: FieldError): RequestError {
  return new RequestError('invalid_request', error.message, { errors: [error] });
}
