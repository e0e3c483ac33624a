import type { RoundHistory } from '../history';
import { checkResponses } from './response.check';
import { checkCreations } from './creation.check';
import { factsOf, type ItemFacts, itemsOf, type RequestFacts } from './item.facts';
import { checkLedger } from './ledger.check';
import { checkRecord } from './record.check';
import { timelinesOf } from './record.timeline';
import type { Violation } from './violation';

/** What the histories of one round come to. */
export interface Verdict {
  violations: Violation[];
  figures: Figures;
}

/** Counts of requests and items. */
export interface Figures {
  requests: number;
  /** Those of the requests that are batches; the others are single writes. */
  batches: number;
  items: number;
  attempts: number;
  retries: number;
  /** Attempts that ended without an answer. */
  withoutResponse: number;
  /** Items that an answer took from the ledger while others of the request were run. */
  resumedItems: number;
  /** Answers with `idempotent-replay: true`. */
  wholeReplays: number;
  appliedItems: number;
  /** Items that were applied and whose caller never knew. */
  unknownItems: number;
  lost: number;
  doubled: number;
}

/** Holds what callers were told against each other and against what Postgres holds: exactly once, or a violation. */
export function checkRound(round: RoundHistory): Verdict {
  const requests = factsOf(round);
  const items = requests.flatMap((facts) => facts.items);
  const violations = [
    ...requests.flatMap(checkResponses),
    ...checkLedger(requests, round.final),
    ...timelinesOf(round, requests).flatMap(checkRecord),
    ...checkCreations(items, round.final),
  ].sort((a, b) => gravity(b) - gravity(a));
  return { violations, figures: figuresOf(requests, items, violations) };
}

/** What was done wrong says more than what was told wrong. */
function gravity({ rule }: Violation): number {
  return rule === 'lost' || rule === 'doubled' ? 1 : 0;
}

function figuresOf(requests: RequestFacts[], items: ItemFacts[], violations: Violation[]): Figures {
  const attempts = requests.reduce((sum, { request }) => sum + request.attempts.length, 0);
  const responses = requests.flatMap((facts) => facts.attempts);
  const count = <T>(list: T[], is: (one: T) => boolean): number => list.filter(is).length;
  return {
    requests: requests.length,
    batches: count(requests, ({ request }) => request.operation === 'update' || request.operation === 'delete'),
    items: items.length,
    attempts,
    retries: attempts - requests.length,
    withoutResponse: attempts - responses.length,
    resumedItems: responses.reduce((sum, { reading }) => sum + count(itemsOf(reading), ({ marked }) => marked), 0),
    wholeReplays: count(responses, ({ response: response }) => response.replay),
    appliedItems: count(items, ({ told, stored }) => told?.state === 'applied' || stored?.code === null),
    unknownItems: count(items, ({ told, stored }) => told === undefined && stored?.code === null),
    lost: count(violations, ({ rule }) => rule === 'lost'),
    doubled: count(violations, ({ rule }) => rule === 'doubled'),
  };
}
