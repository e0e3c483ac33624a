import type { FinalState } from '../history';
import { isApplied, type ItemFacts } from './item.facts';
import type { Violation } from './violation';

/**
 * Checks that each create that was acknowledged or is in the ledger made one record, and any other none; and that all upserts of a
 * marker are for one record.
 */
export function checkCreations(items: readonly ItemFacts[], final: FinalState): Violation[] {
  const made = new Map<string, string[]>();
  for (const { id, marker } of final.records) {
    if (marker !== null) made.set(marker, [...(made.get(marker) ?? []), id]);
  }
  return items.flatMap((facts): Violation[] => {
    const { requested, reported, request, position } = facts;
    if (requested.type !== 'create' && requested.type !== 'upsert') return [];
    const ids = made.get(requested.marker) ?? [];
    const context = { key: request.key, item: position };
    if (ids.length > 1)
      return [{ rule: 'duplicated', message: `created the records ${ids.join(' and ')}`, ...context }];
    if (reported?.state === 'applied' && ids[0] !== reported.id) {
      return [
        { rule: 'lost', message: `response has record ${reported.id}, Postgres has ${ids[0] ?? 'none'}`, ...context },
      ];
    }
    // Another upsert can have made the record.
    const mayExist = isApplied(facts) || requested.type === 'upsert';
    const differs = ids.length === 0 ? isApplied(facts) : !mayExist;
    if (reported?.state !== 'applied' && differs) {
      return [{ rule: 'ledger-differs', message: 'either the record or its outcome is missing', ...context }];
    }
    return [];
  });
}
