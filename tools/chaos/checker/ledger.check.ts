import { isDeepStrictEqual } from 'node:util';
import type { FinalState } from '../history';
import { type ItemFacts, placeOf, type RequestFacts } from './item.facts';
import type { Violation } from './violation';

const leadingId = /^\{"id": (?:null|"[^"]*"), /;

/** Whether the ledger holds what callers were told, and nothing that nobody asked for. */
export function checkLedger(requests: readonly RequestFacts[], final: FinalState): Violation[] {
  const rows = new Map(final.requests.map((row) => [placeOf(row, 0), row]));
  const asked = new Set(requests.flatMap(({ items }) => items.map(({ request, place }) => placeOf(request, place))));
  const strays = final.outcomes
    .filter((outcome) => !asked.has(placeOf(outcome, outcome.item)))
    .map((outcome): Violation => {
      return { rule: 'ledger-differs', message: `holds an outcome that nobody asked for: ${JSON.stringify(outcome)}` };
    });
  return [
    ...strays,
    ...requests.flatMap((facts) => [
      ...facts.items.flatMap(checkItem),
      ...checkCompletion(facts, rows.get(placeOf(facts.request, 0))?.complete),
      ...checkAtomic(facts),
    ]),
  ];
}

function checkItem({ request, place, told, stored }: ItemFacts): Violation[] {
  if (told === undefined) return [];
  const differs = (message: string): Violation[] => [
    { rule: 'ledger-differs', message, key: request.key, item: place },
  ];
  if (stored === undefined) return differs(`answered ${told.text}, and the ledger holds nothing`);
  const batch = request.operation === 'update' || request.operation === 'delete';
  const text = stored.code === null ? told.text : told.text.replace(leadingId, '{');
  const same = batch ? stored.entry === text : saysTheSame(stored.entry, told);
  return same && (stored.code ?? undefined) === told.code
    ? []
    : differs(`answered ${told.text}, and the ledger holds ${stored.code ?? 'applied'} ${stored.entry}`);
}

/** A single write answers with what its entry holds, in another form. */
function saysTheSame(entry: string, told: NonNullable<ItemFacts['told']>): boolean {
  const stored = JSON.parse(entry) as { id: string; etag?: string; record?: unknown; error?: { code: string } };
  if (told.state === 'failed') return stored.error?.code === told.code;
  return stored.etag === `"${told.version}"` && isDeepStrictEqual(stored.record, told.record);
}

function checkCompletion({ request, attempts }: RequestFacts, complete: boolean | undefined): Violation[] {
  const responded = attempts.some(({ reading }) => reading.kind === 'settled');
  if (!responded || complete === true) return [];
  return [{ rule: 'ledger-differs', message: 'answered whole, and not complete in the ledger', key: request.key }];
}

/** `rollback`: all or none. `stop`: nothing after the first that failed. */
function checkAtomic({ request, items }: RequestFacts): Violation[] {
  const applied = items.filter(({ stored }) => stored?.code === null);
  if (request.onError === 'rollback' && applied.length > 0 && applied.length < items.length) {
    const message = `${applied.length} of ${items.length} items applied, of all or none`;
    return [{ rule: 'impossible-outcome', message, key: request.key }];
  }
  const failed = items.find(({ stored }) => (stored?.code ?? null) !== null);
  const after = applied.find(({ place }) => failed !== undefined && place > failed.place);
  if (request.onError !== 'stop' || after === undefined) return [];
  const message = `applied after item ${failed?.place} had failed, with on_error stop`;
  return [{ rule: 'impossible-outcome', message, key: request.key, item: after.place }];
}
