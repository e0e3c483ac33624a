import { type ItemError, itemError } from '#libs/errors';
import type { Change, Validation } from '#libs/properties';
import type { CreateItem, Match, PlanItem } from './plan';

type PatchItem = Extract<PlanItem, { op: 'update' | 'read' }>;

/** Plans the patch of a record. @param id a valid UUID */
export function planPatch(id: string, change: Change, ifMatch?: string, skipUnchanged = false): PatchItem {
  const condition = ifMatch === undefined ? {} : { if_match: ifMatch };
  const { set, clear, ops, list, extended, lookups } = change;
  if (clear === null && ops === null && list === null && extended === null && lookups === undefined) {
    if (set === null) return { op: 'read', id, ...condition };
    if (!skipUnchanged) return { op: 'update', id, ...condition, set };
  }
  const more = { ...(lookups && { lookups }), ...(skipUnchanged && { skip_unchanged: true as const }) };
  return { op: 'update', id, ...condition, default: { set, clear, ops }, list, extended, ...more };
}

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

/** What an upsert does with a record that exists, and with one that does not. */
export interface Upsert {
  readonly patch: Extract<Validation, { change: unknown }>;
  /** If it has errors, they count only if no record has the value. */
  readonly create: Validation;
  /** The etag that an existing record must have, without its quotes. */
  readonly ifMatch: string | undefined;
  /** The request is conditional on an existing record: without one it fails, and none is created. */
  readonly mustExist: boolean;
  readonly skipUnchanged?: boolean;
  /** Shortens the error that the creation fails with. */
  readonly shorten?: (error: ItemError) => ItemError;
}

/** Plans the patch of the record that has a value, or its creation. @param id of the new record */
export function planUpsert(
  id: string,
  match: Match,
  { patch, create, ifMatch, mustExist, skipUnchanged, shorten = (error) => error }: Upsert,
): PlanItem {
  const item = planPatch(id, patch.change, ifMatch, skipUnchanged);
  if (mustExist) return { ...item, match, absent: failureOf(itemError('precondition_failed')) };
  if ('change' in create) return { ...item, match, create: planCreate(id, create.change) };
  const error = itemError(create.code, create.errors[0]?.message, create.errors);
  return { ...item, match, absent: failureOf(shorten(error)) };
}

function failureOf(error: ItemError): { code: ItemError['code']; error: string } {
  return { code: error.code, error: JSON.stringify(error) };
}
