import type { Change } from '#libs/properties';
import type { CreateItem } from './plan';

/** Plans a new record. @param change validated by `ItemValidator.create`, so it only sets */
export function planCreate(id: string, { set, list, extended, lookups }: Change): CreateItem {
  const lists = Object.entries(list ?? {}).map(([listId, block]) => [listId, block.set ?? {}] as const);
  return {
    op: 'create',
    id,
    properties: set ?? {},
    list: Object.fromEntries(lists),
    extended: extended?.set ?? {},
    ...(lookups && { lookups }),
  };
}
