import {
  type BlockChange,
  isIndexed,
  type LookupDefinition,
  lookupsTouchedBy,
  type LookupTarget,
  lookupTargetsOf,
} from '#libs/properties';
import type { CreateItem, Match, PlanItem } from '#libs/records';
import type { ImportItem } from './import.plan';

/**
 * The lookups of an object type as they are now. Items of an import are stored without lookups: one that is built or removed since it was
 * accepted must be treated as it is now, as every other write does.
 */
export class CurrentLookups {
  private readonly targets: ReadonlyMap<string, LookupTarget>;

  /** @param definitions of the object type, at least those with a lookup */
  constructor(private readonly definitions: readonly LookupDefinition[]) {
    this.targets = lookupTargetsOf(definitions);
  }

  /** The item with these lookups, and no others. */
  refresh(item: ImportItem): ImportItem {
    if (item.op === 'create') return this.refreshCreate(item);
    if (item.op !== 'update' && item.op !== 'read') return item;
    const { match, create } = item;
    const matched = {
      ...(match && { match: this.refreshMatch(match) }),
      ...(create && { create: this.refreshCreate(create) }),
    };
    return item.op === 'read' ? { ...item, ...matched } : { ...this.refreshUpdate(item), ...matched };
  }

  private refreshUpdate(item: Extract<PlanItem, { op: 'update' }>): Extract<PlanItem, { op: 'update' }> {
    if (!('set' in item)) {
      return { ...without(item, 'lookups'), ...this.touchedBy(item.default ?? {}) };
    }
    const touched = this.touchedBy({ set: item.set });
    if (touched.lookups === undefined) return item;
    const { set, ...others } = item;
    return { ...others, default: { set, clear: null, ops: null }, list: null, extended: null, ...touched };
  }

  private refreshCreate(item: CreateItem): CreateItem {
    return { ...without(item, 'lookups'), ...this.touchedBy({ set: item.properties as BlockChange['set'] }) };
  }

  private touchedBy(change: Parameters<typeof lookupsTouchedBy>[0]): { lookups?: readonly LookupTarget[] } {
    const lookups = lookupsTouchedBy(change, this.targets);
    return lookups.length === 0 ? {} : { lookups };
  }

  private refreshMatch(match: Match): Match {
    const definition = this.definitions.find(({ id }) => id === match.id);
    const indexed = definition !== undefined && isIndexed(definition);
    return { ...without(match, 'indexed'), ...(indexed && { indexed }) };
  }
}

function without<T extends object, K extends keyof T>(value: T, member: K): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== member)) as Omit<T, K>; // all other members
}
