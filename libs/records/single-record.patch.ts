import type { Plan, PlanItem } from './plan';

/** A patch that only sets properties of one record. */
export type SingleRecordPatch = Extract<PlanItem, { set: unknown }>;

/**
 * The patch of a plan that the single-record fast path can apply; undefined if the plan needs `apply_batch`. With one item,
 * `on_error` has no effect.
 */
export function singleRecordPatchOf({ items, options }: Plan): SingleRecordPatch | undefined {
  const [item] = items;
  return items.length === 1 && !options.dryRun && item !== undefined && 'set' in item && item.match === undefined
    ? item
    : undefined;
}
