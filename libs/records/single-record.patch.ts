import type { Plan, PlanItem } from './plan';

/** A plan that does nothing but set properties of one record. */
export type SingleRecordPatch = Extract<PlanItem, { set: unknown }>;

/**
 * The patch that a plan without a key comes down to, if it is the common one of a single record; undefined if it needs more
 * than one statement. With one item, `on_error` makes no difference.
 */
export function singleRecordPatchOf({ items, options }: Plan): SingleRecordPatch | undefined {
  const [item] = items;
  return items.length === 1 && !options.dryRun && item !== undefined && 'set' in item ? item : undefined;
}
