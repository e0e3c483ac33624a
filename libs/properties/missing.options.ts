import { v7 as uuidv7 } from 'uuid';
import { type FieldError, fieldSegment } from '#libs/errors';
import { isObject, parseUuid } from '#libs/json';
import type { UnknownProperties } from './block.validator';
import type { ItemBlocks } from './item.change';
import { ItemValidator, type RequestValidator } from './item.validator';
import {
  hasOptions,
  isMultiValue,
  type ObjectType,
  type PropertyDefinition,
  type PropertyOption,
} from './property-definition';
import { MAX_NAME_LENGTH, MAX_OPTIONS } from './schema.change';
import { slugOfName } from './slug.rules';
import { exceededLimit, NO_USAGE, plus, type TeamUsage, usageOfOption } from './team.usage';

/** An option to create. */
export interface PlannedOption {
  readonly propertyId: string;
  readonly option: PropertyOption;
}

/**
 * The options that rows name and that do not exist. A text names an option by slug, id or display name, without regard to case; white
 * space around it is ignored. Any other text becomes the display name of a new option. Only rows that are otherwise valid add options.
 */
export class MissingOptions {
  /** The definitions with the options to create, including those that are planned later. */
  readonly definitions: readonly PropertyDefinition[];
  /** Validates by {@link definitions}. */
  readonly validator: RequestValidator;
  /** By list id, or '' for `default`; then by slug. */
  private readonly properties = new Map<string, Map<string, OptionNames>>();
  /** Accepts any text as an option. */
  private readonly lenient: RequestValidator;

  /** @param usage of the team; options that are planned are added to it */
  constructor(
    objectType: ObjectType,
    existing: readonly PropertyDefinition[],
    unknown: UnknownProperties,
    private usage: TeamUsage,
  ) {
    const seen = new Set<string>();
    this.definitions = existing.map((definition) => {
      const { slug, locked, list_id } = definition;
      const block = list_id ?? '';
      if (seen.has(`${block}.${slug}`)) return definition; // of several definitions with a slug, the first applies
      seen.add(`${block}.${slug}`);
      if (locked || !hasOptions(definition)) return definition;
      const inBlock = this.properties.get(block) ?? new Map<string, OptionNames>();
      const names = new OptionNames(definition);
      this.properties.set(block, inBlock.set(slug, names));
      return names.definition;
    });
    this.lenient = new ItemValidator(objectType, existing.map(asText), unknown).forRequest();
    this.validator = new ItemValidator(objectType, this.definitions, unknown).forRequest();
  }

  /** The options to create, in the order in which rows name them. */
  get planned(): readonly PlannedOption[] {
    return [...this.properties.values()]
      .flatMap((inBlock) => [...inBlock.values()])
      .flatMap(({ definition, added }) => added.map((option) => ({ propertyId: definition.id, option })));
  }

  /**
   * The row with the slugs of its options, after planning those that are missing; the row itself if it is invalid.
   *
   * @returns an error if an option cannot be created. None is planned for the row then
   */
  resolve(row: ItemBlocks, purpose: 'create' | 'patch'): { readonly row: ItemBlocks } | { readonly error: FieldError } {
    if (this.properties.size === 0 || 'errors' in this.lenient[purpose](row)) return { row };
    const rowOptions = new RowOptions(this.usage);
    const resolved = {
      ...row,
      ...(isObject(row.default) && { default: this.resolveBlock(row.default, '', '.default', rowOptions) }),
      ...(isObject(row.list) && { list: this.resolveLists(row.list, rowOptions) }),
    };
    if (rowOptions.error === undefined && !rowOptions.invalid) {
      this.usage = rowOptions.usage;
      return { row: resolved };
    }
    rowOptions.undo();
    return rowOptions.error === undefined ? { row } : { error: rowOptions.error };
  }

  private resolveLists(lists: Record<string, unknown>, rowOptions: RowOptions): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(lists).map(([key, block]) => {
        const id = parseUuid(key);
        if (id === undefined || !isObject(block)) return [key, block];
        return [key, this.resolveBlock(block, id, `.list${fieldSegment(key)}`, rowOptions)];
      }),
    );
  }

  private resolveBlock(
    block: Record<string, unknown>,
    list: string,
    path: string,
    rowOptions: RowOptions,
  ): Record<string, unknown> {
    const properties = this.properties.get(list);
    if (properties === undefined) return block;
    return Object.fromEntries(
      Object.entries(block).map(([slug, value]) => {
        const names = properties.get(slug);
        if (names === undefined) return [slug, value];
        const text = (each: unknown): unknown => rowOptions.resolve(names, each, `${path}${fieldSegment(slug)}`);
        if (Array.isArray(value)) return [slug, value.map(text)];
        if (!isObject(value)) return [slug, text(value)];
        // An operator: only `append` adds values.
        const { _op: op, values } = value;
        return [slug, op === 'append' && Array.isArray(values) ? { ...value, values: values.map(text) } : value];
      }),
    );
  }
}

/** Whether planned options can be created by definitions that may be newer than those they were planned by. */
export function canCreate(
  planned: readonly PlannedOption[],
  definitions: readonly PropertyDefinition[],
  usage: TeamUsage,
): boolean {
  const added = planned.reduce((sum, { propertyId, option }) => plus(sum, usageOfOption(propertyId, option)), NO_USAGE);
  if (exceededLimit(usage, added) !== undefined) return false;
  const names = new Map(definitions.map((definition) => [definition.id, new OptionNames(definition)]));
  return planned.every(({ propertyId, option }) => {
    const property = names.get(propertyId);
    if (property === undefined || property.definition.locked || !hasOptions(property.definition)) return false;
    if (property.isFull || property.hasSlug(option.slug) || property.find(option.value) !== undefined) return false;
    property.add(option);
    return true;
  });
}

/** The options of one property, by the texts that can name them. */
class OptionNames {
  /** With the options that are added. A validator that was compiled from it accepts them, without being compiled again. */
  readonly definition: PropertyDefinition;
  private readonly options: PropertyOption[];
  /** Built on first use: a row uses few properties. */
  private index: NameIndex | undefined;

  constructor(private readonly existing: PropertyDefinition) {
    this.options = [...existing.options];
    this.definition = { ...existing, options: this.options };
  }

  get added(): readonly PropertyOption[] {
    return this.options.slice(this.existing.options.length);
  }

  get isFull(): boolean {
    return this.options.length >= MAX_OPTIONS;
  }

  hasSlug(slug: string): boolean {
    return this.indexed.slugs.has(slug);
  }

  /**
   * What to write for a text: the slug or id that it is, or the slug of the option with this display name. White space around the
   * text is ignored.
   */
  find(text: string): string | undefined {
    const trimmed = text.trim();
    const lower = trimmed.toLowerCase();
    const { slugs, ids, byValue } = this.indexed;
    // As the rule of options accepts them.
    if (slugs.has(trimmed) || ids.has(lower)) return trimmed;
    return slugs.has(lower) ? lower : byValue.get(lower);
  }

  /** The slug of a new option with this display name; undefined if none derives from it. */
  newSlug(value: string): string | undefined {
    return slugOfName(value, (slug) => this.hasSlug(slug));
  }

  add(option: PropertyOption): void {
    const { slugs, byValue } = this.indexed;
    this.options.push(option);
    slugs.add(option.slug);
    byValue.set(option.value.toLowerCase(), option.slug);
  }

  /** Removes the option that was added last. Call it before anything is validated by {@link definition}: a validator keeps the options that it has read. */
  removeLast(): void {
    const option = this.options.pop();
    if (option === undefined) return;
    this.indexed.slugs.delete(option.slug);
    this.indexed.byValue.delete(option.value.toLowerCase());
  }

  private get indexed(): NameIndex {
    this.index ??= {
      slugs: new Set(this.options.map(({ slug }) => slug)),
      ids: new Set(this.options.map(({ id }) => id.toLowerCase())),
      byValue: new Map(this.options.map(({ slug, value }) => [value.toLowerCase(), slug])),
    };
    return this.index;
  }
}

/** The texts by which a row can name an option. */
interface NameIndex {
  readonly slugs: Set<string>;
  readonly ids: Set<string>;
  /** The slug by display name in lower case. */
  readonly byValue: Map<string, string>;
}

/** The options that one row adds. */
class RowOptions {
  readonly added: OptionNames[] = [];
  /** The first option that cannot be created. */
  error: FieldError | undefined;
  /** Whether the row has a text that cannot become an option: validation rejects it. */
  invalid = false;

  /** @param usage of the team, to which the options are added */
  constructor(public usage: TeamUsage) {}

  /** The slug of an option, planned if it is missing; other values as they are. */
  resolve(names: OptionNames, given: unknown, field: string): unknown {
    if (typeof given !== 'string') return given;
    const known = names.find(given);
    if (known !== undefined) return known;
    const value = given.trim();
    if (value === '' || value.length > MAX_NAME_LENGTH) {
      this.invalid = true;
      return given;
    }
    if (names.isFull) {
      this.reject(field, `is not an option, and the property has ${MAX_OPTIONS}, the maximum`);
      return given;
    }
    const slug = names.newSlug(value);
    if (slug === undefined) {
      this.reject(field, 'is not an option, and has no letter a-z or digit to derive a slug from: create it first');
      return given;
    }
    const option = { id: uuidv7(), slug, value };
    const added = usageOfOption(names.definition.id, option);
    const limit = exceededLimit(this.usage, added);
    if (limit !== undefined) {
      this.reject(field, `is not an option, and ${limit}`);
      return given;
    }
    this.usage = plus(this.usage, added);
    names.add(option);
    this.added.push(names);
    return slug;
  }

  undo(): void {
    for (const names of this.added) names.removeLast();
  }

  private reject(field: string, rule: string): void {
    this.error ??= { field, code: 'unknown_option', message: `${field.slice(1)} ${rule}` };
  }
}

/** The definition, with any text in place of an option. */
function asText(definition: PropertyDefinition): PropertyDefinition {
  if (!hasOptions(definition)) return definition;
  return { ...definition, type: isMultiValue(definition) ? 'multi_str' : 'str' };
}
