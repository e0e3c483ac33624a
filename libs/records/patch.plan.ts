import type { Change } from '#libs/properties';
import type { PlanItem } from './plan';

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
