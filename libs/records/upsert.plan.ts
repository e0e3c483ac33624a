import { type ItemError, itemError } from '#libs/errors';
import type { Validation } from '#libs/properties';
import { planCreate } from './create.plan';
import type { Match, PlanItem } from './plan';
import { planPatch } from './patch.plan';

/** What an upsert does with a record that exists, and with one that does not. */
export interface Upsert {
  readonly patch: Extract<Validation, { change: unknown }>;
  /** Also an error: it only counts if no record has the value. */
  readonly create: Validation;
  /** The etag that an existing record must have, without its quotes. */
  readonly ifMatch: string | undefined;
  /** No record is created: the request is conditional on one that exists. */
  readonly mustExist: boolean;
  readonly skipUnchanged?: boolean;
  /** Shortens the error that the creation fails with. */
  readonly shortened?: (error: ItemError) => ItemError;
}

/** Plans the patch of the record that has a value, or its creation. @param id of the new record */
export function planUpsert(
  id: string,
  match: Match,
  { patch, create, ifMatch, mustExist, skipUnchanged, shortened = (error) => error }: Upsert,
): PlanItem {
  const item = planPatch(id, patch.change, ifMatch, skipUnchanged);
  if (mustExist) return { ...item, match, absent: errorOf(itemError('precondition_failed')) };
  if ('change' in create) return { ...item, match, create: planCreate(id, create.change) };
  const error = itemError(create.code, create.errors[0]?.message, create.errors);
  return { ...item, match, absent: errorOf(shortened(error)) };
}

function errorOf(error: ItemError): { code: ItemError['code']; error: string } {
  return { code: error.code, error: JSON.stringify(error) };
}
