import { isDeepStrictEqual } from 'node:util';
import type { FinalState } from '../history';
import { isApplied, type ItemFacts, itemKeyOf, type RequestFacts } from './item.facts';
import { isBatch } from '../results.reader';
import type { Violation } from './violation';

/** Checks that the ledger has the outcomes of the responses, and none that was not requested. */
export function checkLedger(requests: readonly RequestFacts[], final: FinalState): Violation[] {
  const rows = new Map(final.requests.map((row) => [itemKeyOf(row, 0), row]));
  const requested = new Set(
    requests.flatMap(({ items }) => items.map(({ request, position }) => itemKeyOf(request, position))),
  );
  const unrequested = final.outcomes
    .filter((outcome) => !requested.has(itemKeyOf(outcome, outcome.item)))
    .map((outcome): Violation => {
      return { rule: 'ledger-differs', message: `has an outcome that was not requested: ${JSON.stringify(outcome)}` };
    });
  return [
    ...unrequested,
    ...requests.flatMap((facts) => [
      ...facts.items.flatMap(checkItem),
      ...checkCompletion(facts, rows.get(itemKeyOf(facts.request, 0))?.complete),
      ...checkAtomic(facts),
    ]),
  ];
}

function checkItem({ request, position, reported, stored }: ItemFacts): Violation[] {
  if (reported === undefined) return [];
  const differs = (message: string): Violation[] => [
    { rule: 'ledger-differs', message, key: request.key, item: position },
  ];
  if (stored === undefined) return differs(`response ${reported.text}, ledger empty`);
  const same = isBatch(request) ? stored.entry === reported.text : isEquivalent(stored.entry, reported);
  return same && (stored.code ?? undefined) === reported.code
    ? []
    : differs(`response ${reported.text}, ledger ${stored.code ?? 'applied'} ${stored.entry}`);
}

/** The response to a single write has the values of its ledger entry in another form. */
function isEquivalent(entry: string, reported: NonNullable<ItemFacts['reported']>): boolean {
  const stored = JSON.parse(entry) as { id: string; etag?: string; record?: unknown; error?: { code: string } };
  if (reported.state === 'failed') return stored.error?.code === reported.code;
  return stored.etag === reported.etag && isDeepStrictEqual(stored.record, reported.record);
}

function checkCompletion({ request, attempts }: RequestFacts, complete: boolean | undefined): Violation[] {
  const responded = attempts.some(({ parsed }) => parsed.kind === 'settled');
  if (!responded || complete === true) return [];
  return [{ rule: 'ledger-differs', message: 'the response is final, the ledger is not complete', key: request.key }];
}

/** `rollback`: all items are applied or none. `stop`: none is applied after the first failure. */
function checkAtomic({ request, items }: RequestFacts): Violation[] {
  const applied = items.filter(isApplied);
  if (request.onError === 'rollback' && applied.length > 0 && applied.length < items.length) {
    const message = `${applied.length} of ${items.length} items applied with on_error rollback`;
    return [{ rule: 'impossible-outcome', message, key: request.key }];
  }
  const failed = items.find(({ stored }) => (stored?.code ?? null) !== null);
  const after = applied.find(({ position }) => failed !== undefined && position > failed.position);
  if (request.onError !== 'stop' || after === undefined) return [];
  const message = `applied after item ${failed?.position} had failed, with on_error stop`;
  return [{ rule: 'impossible-outcome', message, key: request.key, item: after.position }];
}
