import { type ItemResult, type Reading, readResponse } from '../response.reader';
import type { WriteResponse, AskedItem, RequestHistory, RoundHistory, StoredOutcome } from '../history';

/** An answer that came, as it was read. */
export interface ReadAttempt {
  response: WriteResponse;
  reading: Reading;
  endedAt: number;
}

/** All that is known about one item of one request. */
export interface ItemFacts {
  request: RequestHistory;
  /** From 1. */
  place: number;
  asked: AskedItem;
  /** Before this nothing can have happened to it. */
  invokedAt: number;
  /** When its caller first knew its outcome; infinity if that never was. */
  respondedAt: number;
  /** The first outcome that its caller was told. */
  told: ItemResult | undefined;
  /** What the ledger holds of it. */
  stored: StoredOutcome | undefined;
}

export interface RequestFacts {
  request: RequestHistory;
  attempts: ReadAttempt[];
  items: ItemFacts[];
}

/** Brings together what was asked, what was answered and what is stored. */
export function factsOf({ requests, final }: RoundHistory): RequestFacts[] {
  const stored = new Map(final.outcomes.map((outcome) => [placeOf(outcome, outcome.item), outcome]));
  return requests.map((request) => {
    const attempts = readAttempts(request);
    const invokedAt = Math.min(...request.attempts.map((attempt) => attempt.invokedAt));
    const items = request.items.map((asked, index): ItemFacts => {
      const first = firstOutcome(attempts, index);
      return {
        request,
        place: index + 1,
        asked,
        invokedAt,
        respondedAt: first?.at ?? Infinity,
        told: first?.told,
        stored: stored.get(placeOf(request, index + 1)),
      };
    });
    return { request, attempts, items };
  });
}

/** Names an item of a request among all of a team. */
export function placeOf({ clientId, keyHash }: { clientId: string; keyHash: string }, item: number): string {
  return `${clientId} ${keyHash} ${item}`;
}

/** The outcomes that an answer tells, open ones included. */
export function itemsOf(reading: Reading): ItemResult[] {
  return reading.kind === 'settled' || reading.kind === 'partial' ? reading.items : [];
}

function readAttempts(request: RequestHistory): ReadAttempt[] {
  return request.attempts
    .flatMap(({ outcome, endedAt }) =>
      typeof outcome === 'string' ? [] : [{ response: outcome, reading: readResponse(request, outcome), endedAt }],
    )
    .sort((a, b) => a.endedAt - b.endedAt);
}

function firstOutcome(attempts: ReadAttempt[], index: number): { told: ItemResult; at: number } | undefined {
  for (const { reading, endedAt } of attempts) {
    const told = itemsOf(reading)[index];
    if (told !== undefined && told.state !== 'open') return { told, at: endedAt };
  }
  return undefined;
}
