import { BlockValidator, UnknownProperties } from './block.validator';
import { BlockChange, ExtendedChange, ItemBlocks, Validation } from './change.interface';
import { ValidationErrors } from './validation.errors';
import { isStorable, isStorableKey } from './json.check';
import { ObjectType } from './object-type.constants';
import { isObject } from './plain-object';
import { PropertyDefinition } from './property-definition.interface';
import { lowerCaseUuid } from './uuid.check';

type Purpose = 'patch' | 'create';

const UNCHANGED: BlockChange = { set: null, clear: null, ops: null };

/**
 * Checks the content of items against the definitions of one object type of one team, compiled once.
 * It never throws, whatever the item holds.
 */
export class ItemValidator {
  private readonly defaults: BlockValidator;
  private readonly lists = new Map<string, BlockValidator>();
  private readonly listWithoutProperties: BlockValidator;

  constructor(objectType: ObjectType, definitions: readonly PropertyDefinition[], unknown: UnknownProperties) {
    const ofBlock = (listId: string | null): PropertyDefinition[] => definitions.filter((d) => d.list_id === listId);
    this.defaults = new BlockValidator(ofBlock(null), unknown, objectType);
    this.listWithoutProperties = new BlockValidator([], unknown, 'this list');
    for (const listId of new Set(definitions.map((definition) => definition.list_id))) {
      if (listId !== null) this.lists.set(listId, new BlockValidator(ofBlock(listId), unknown, 'this list'));
    }
  }

  /** What the item changes in a record that exists: null clears, an operator adds or removes elements. */
  patch(item: ItemBlocks): Validation {
    return this.validate(item, 'patch');
  }

  /** What a new record holds: only `set`s. Nulls are dropped, and required properties must be there. */
  create(item: ItemBlocks): Validation {
    return this.validate(item, 'create');
  }

  private validate(item: ItemBlocks, purpose: Purpose): Validation {
    const errors = new ValidationErrors();
    const { set, clear, ops } = this.checkDefault(item.default, purpose, errors);
    const list = this.checkLists(item.list, purpose, errors);
    const extended = checkExtended(item.extended, purpose, errors);
    if (errors.code !== null) return { code: errors.code, errors: errors.list };
    return { change: { set, clear, ops, list, extended } };
  }

  private checkDefault(given: unknown, purpose: Purpose, errors: ValidationErrors): BlockChange {
    // A new record without a `default` lacks what is required there.
    const block = given === undefined && purpose === 'create' ? {} : given;
    if (block === undefined) return UNCHANGED;
    errors.enter('default');
    const change = isObject(block) ? this.defaults[purpose](block, errors) : rejectBlock(errors);
    errors.leave();
    return change ?? UNCHANGED;
  }

  private checkLists(lists: unknown, purpose: Purpose, errors: ValidationErrors): Record<string, BlockChange> | null {
    if (lists === undefined) return null;
    if (!isObject(lists)) return errors.refuse('invalid_item', 'must be an object of list ids', 'list');

    const changes: Record<string, BlockChange> = {};
    const seen = new Set<string>();
    errors.enter('list');
    for (const key of Object.keys(lists)) {
      if (errors.full) break;
      errors.enter(key);
      const listId = lowerCaseUuid(key);
      const block = lists[key];
      if (listId === null) errors.refuse('invalid_item', 'must be a list id (UUID)');
      else if (seen.has(listId)) errors.refuse('invalid_item', 'names a list for the second time');
      else if (!isObject(block)) rejectBlock(errors);
      else {
        seen.add(listId);
        const change = (this.lists.get(listId) ?? this.listWithoutProperties)[purpose](block, errors);
        if (change.set !== null || change.clear !== null || change.ops !== null) changes[listId] = change;
      }
      errors.leave();
    }
    errors.leave();
    return Object.keys(changes).length > 0 ? changes : null;
  }
}

/** `extended` belongs to the callers: its content need only be storable. */
function checkExtended(extended: unknown, purpose: Purpose, errors: ValidationErrors): ExtendedChange | null {
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
        else if (purpose === 'patch') change.clear.push(key);
      }
      errors.leave();
    }
  }
  errors.leave();
  return Object.keys(change.set).length > 0 || change.clear.length > 0 ? change : null;
}

function rejectBlock(errors: ValidationErrors): null {
  return errors.refuse('invalid_item', 'must be an object');
}
