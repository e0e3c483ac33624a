import { isObject, parseUuid } from '#libs/json';
import { BlockValidator, type UnknownProperties } from './block.validator';
import type { BlockChange, ExtendedChange, ItemBlocks, Validation } from './item.change';
import { isStorable, isStorableKey } from './json.check';
import { lookupsTouchedBy, type LookupTarget, lookupTargetsOf } from './lookup.target';
import type { ObjectType, PropertyDefinition } from './property-definition';
import { SlugSuggestions } from './slug.suggestion';
import { ValidationErrors } from './validation.errors';

type WriteKind = 'patch' | 'create';

/** Validates the items of one request. */
export type RequestValidator = Pick<ItemValidator, 'patch' | 'create' | 'allLookups'>;

const UNCHANGED: BlockChange = { set: null, clear: null, ops: null };

/**
 * Validates the content of items against the property definitions of one object type of one team. The definitions are compiled
 * once. Validation never throws.
 */
export class ItemValidator {
  private readonly defaultBlock: BlockValidator;
  private readonly listBlocks = new Map<string, BlockValidator>();
  private readonly listWithoutProperties: BlockValidator;
  private readonly lookups: ReadonlyMap<string, LookupTarget>;

  constructor(objectType: ObjectType, definitions: readonly PropertyDefinition[], unknown: UnknownProperties) {
    const ofBlock = (listId: string | null): PropertyDefinition[] => definitions.filter((d) => d.list_id === listId);
    this.defaultBlock = new BlockValidator(ofBlock(null), unknown, objectType);
    this.lookups = lookupTargetsOf(definitions);
    this.listWithoutProperties = new BlockValidator([], unknown, 'this list');
    for (const listId of new Set(definitions.map((definition) => definition.list_id))) {
      if (listId !== null) this.listBlocks.set(listId, new BlockValidator(ofBlock(listId), unknown, 'this list'));
    }
  }

  /** Every lookup of the object type; undefined if it has none. For a record that is restored or copied as it is. */
  get allLookups(): readonly LookupTarget[] | undefined {
    return this.lookups.size === 0 ? undefined : [...this.lookups.values()];
  }

  /** The validator for one request, whose items share the few suggestions for unknown slugs. */
  forRequest(): RequestValidator {
    const suggestions = new SlugSuggestions();
    return {
      allLookups: this.allLookups,
      patch: (item) => this.validate(item, 'patch', suggestions),
      create: (item) => this.validate(item, 'create', suggestions),
    };
  }

  /** The change of an existing record: null clears a property, an operator adds or removes elements. */
  patch(item: ItemBlocks): Validation {
    return this.validate(item, 'patch');
  }

  /** The content of a new record: only `set`s. Nulls are dropped, and required properties must be present. */
  create(item: ItemBlocks): Validation {
    return this.validate(item, 'create');
  }

  private validate(item: ItemBlocks, kind: WriteKind, suggestions?: SlugSuggestions): Validation {
    const errors = new ValidationErrors(suggestions);
    const { set, clear, ops } = this.checkDefault(item.default, kind, errors);
    const list = this.checkLists(item.list, kind, errors);
    const extended = checkExtended(item.extended, kind, errors);
    if (errors.code !== null) return { code: errors.code, errors: errors.list };
    const lookups = lookupsTouchedBy({ set, clear, ops }, this.lookups);
    return { change: { set, clear, ops, list, extended, ...(lookups.length > 0 && { lookups }) } };
  }

  private checkDefault(block: unknown, kind: WriteKind, errors: ValidationErrors): BlockChange {
    // A new record without `default` lacks its required properties.
    const content = block === undefined && kind === 'create' ? {} : block;
    if (content === undefined) return UNCHANGED;
    errors.enter('default');
    const change = isObject(content) ? this.defaultBlock[kind](content, errors) : rejectBlock(errors);
    errors.leave();
    return change ?? UNCHANGED;
  }

  private checkLists(lists: unknown, kind: WriteKind, errors: ValidationErrors): Record<string, BlockChange> | null {
    if (lists === undefined) return null;
    if (!isObject(lists)) return errors.add('invalid_item', 'must be an object of list ids', 'list');

    const changes: Record<string, BlockChange> = {};
    const seen = new Set<string>();
    errors.enter('list');
    for (const key of Object.keys(lists)) {
      if (errors.full) break;
      errors.enter(key);
      const listId = parseUuid(key);
      const block = lists[key];
      if (listId === undefined) errors.add('invalid_item', 'must be a list id (UUID)');
      else if (seen.has(listId)) errors.add('invalid_item', 'must not repeat a list of this item');
      else if (!isObject(block)) rejectBlock(errors);
      else {
        seen.add(listId);
        const change = (this.listBlocks.get(listId) ?? this.listWithoutProperties)[kind](block, errors);
        if (change.set !== null || change.clear !== null || change.ops !== null) changes[listId] = change;
      }
      errors.leave();
    }
    errors.leave();
    return Object.keys(changes).length > 0 ? changes : null;
  }
}

/** Clients own the content of `extended`: it must only be storable. */
function checkExtended(extended: unknown, kind: WriteKind, errors: ValidationErrors): ExtendedChange | null {
  if (extended === undefined) return null;
  errors.enter('extended');
  const change: ExtendedChange = { set: {}, clear: [] };
  if (!isObject(extended)) rejectBlock(errors);
  else {
    for (const [key, value] of Object.entries(extended)) {
      if (errors.full) break;
      errors.enter(key);
      if (isStorableKey(key, errors) && isStorable(value, errors)) {
        if (value !== null) change.set[key] = value;
        else if (kind === 'patch') change.clear.push(key);
      }
      errors.leave();
    }
  }
  errors.leave();
  return Object.keys(change.set).length > 0 || change.clear.length > 0 ? change : null;
}

function rejectBlock(errors: ValidationErrors): null {
  return errors.add('invalid_item', 'must be an object');
}
