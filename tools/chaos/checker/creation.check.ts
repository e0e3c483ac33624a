import type { FinalState } from '../history';
import type { ItemFacts } from './item.facts';
import type { Violation } from './violation';

/** One record for each creation that was acknowledged or is in the ledger, and none for any other. */
export function checkCreations(items: readonly ItemFacts[], final: FinalState): Violation[] {
  const made = new Map<string, string[]>();
  for (const { id, marker } of final.records) {
    if (marker !== null) made.set(marker, [...(made.get(marker) ?? []), id]);
  }
  return items.flatMap(({ asked, told, stored, request, place }): Violation[] => {
    if (asked.ask !== 'create') return [];
    const ids = made.get(asked.marker) ?? [];
    const context = { key: request.key, item: place };
    if (ids.length > 1) return [{ rule: 'doubled', message: `made the records ${ids.join(' and ')}`, ...context }];
    if (told?.state === 'applied' && ids[0] !== told.id) {
      return [{ rule: 'lost', message: `answered record ${told.id}; there is ${ids[0] ?? 'none'}`, ...context }];
    }
    if (told === undefined && (stored?.code === null) !== (ids.length === 1)) {
      return [{ rule: 'ledger-differs', message: 'only one of the record and its outcome is there', ...context }];
    }
    return [];
  });
}
