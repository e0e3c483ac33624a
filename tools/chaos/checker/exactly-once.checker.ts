import type { RoundHistory } from '../history';
import { checkResponses } from './response.check';
import { checkCreations } from './creation.check';
import { checkImports } from './import.check';
import { factsOf, isApplied, type ItemFacts, itemsOf, type RequestFacts } from './item.facts';
import { checkLedger } from './ledger.check';
import { checkRecord } from './record.check';
import { isBatch } from '../results.reader';
import { timelinesOf } from './record.timeline';
import type { Violation } from './violation';

/** The result of checking a round. */
export interface Verdict {
  violations: Violation[];
  figures: Figures;
}

/** Counts of requests and items. */
export interface Figures {
  requests: number;
  /** Requests that are batches; the others are single writes. */
  batches: number;
  items: number;
  attempts: number;
  retries: number;
  /** Attempts without a response. */
  withoutResponse: number;
  /** Items that a resumed request took from the ledger. */
  resumedItems: number;
  /** Responses with `idempotent-replay: true`. */
  fullReplays: number;
  appliedItems: number;
  /** Rows of imports that have ended. */
  importedRows: number;
  /** Applied items whose outcome no response reported. */
  unknownItems: number;
  lost: number;
  duplicated: number;
}

/** Compares the responses of a round with each other and with Postgres. Every deviation from exactly once is a violation. */
export function checkRound(round: RoundHistory): Verdict {
  const requests = factsOf(round);
  const items = requests.flatMap((facts) => facts.items);
  const violations = [
    ...requests.flatMap(checkResponses),
    ...checkLedger(requests, round.final),
    ...timelinesOf(round, requests).flatMap(checkRecord),
    ...checkCreations(items, round.final),
    ...checkImports(round.imports, round.final),
  ].sort((a, b) => severity(b) - severity(a));
  return { violations, figures: figuresOf(round, requests, items, violations) };
}

/** Wrong data before wrong responses. */
function severity({ rule }: Violation): number {
  return rule === 'lost' || rule === 'duplicated' ? 1 : 0;
}

function figuresOf(
  { imports }: RoundHistory,
  requests: RequestFacts[],
  items: ItemFacts[],
  violations: Violation[],
): Figures {
  const attempts = requests.reduce((sum, { request }) => sum + request.attempts.length, 0);
  const responses = requests.flatMap((facts) => facts.attempts);
  const count = <T>(list: T[], is: (one: T) => boolean): number => list.filter(is).length;
  return {
    requests: requests.length,
    batches: count(requests, ({ request }) => isBatch(request)),
    items: items.length,
    attempts,
    retries: attempts - requests.length,
    withoutResponse: attempts - responses.length,
    resumedItems: responses.reduce((sum, { parsed }) => sum + count(itemsOf(parsed), ({ marked }) => marked), 0),
    fullReplays: count(responses, ({ response }) => response.replay),
    appliedItems: count(items, (facts) => facts.reported?.state === 'applied' || isApplied(facts)),
    importedRows: imports.reduce((sum, { job }) => sum + (job?.results.length ?? 0), 0),
    unknownItems: count(items, (facts) => facts.reported === undefined && isApplied(facts)),
    lost: count(violations, ({ rule }) => rule === 'lost'),
    duplicated: count(violations, ({ rule }) => rule === 'duplicated'),
  };
}
