import { isBatch, type ItemResult, type ParsedResponse, readResponse } from '../results.reader';
import type { ReceivedResponse, RequestedItem, RequestHistory, RoundHistory, StoredOutcome } from '../history';

/** An attempt with a response. */
export interface ParsedAttempt {
  response: ReceivedResponse;
  parsed: ParsedResponse;
  endedAt: number;
}

/** An item of a request, its reported outcome and its row in the ledger. */
export interface ItemFacts {
  request: RequestHistory;
  /** From 1. */
  position: number;
  requested: RequestedItem;
  /** When the first attempt was sent. */
  invokedAt: number;
  /** When the first outcome was received; infinity if none was. */
  respondedAt: number;
  /** The first outcome in a response. */
  reported: ItemResult | undefined;
  /** Its row in the ledger. */
  stored: StoredOutcome | undefined;
  /** Whether it is marked in the progress row of an unfinished request. */
  settled: boolean;
}

export interface RequestFacts {
  request: RequestHistory;
  attempts: ParsedAttempt[];
  items: ItemFacts[];
}

/** Combines requests, responses and the ledger. */
export function factsOf({ requests, final }: RoundHistory): RequestFacts[] {
  const stored = new Map(final.outcomes.map((outcome) => [itemKeyOf(outcome, outcome.item), outcome]));
  const settled = new Set(final.settled.map((row) => itemKeyOf(row, row.item)));
  return requests.map((request) => {
    const attempts = parsedAttempts(request);
    const invokedAt = Math.min(...request.attempts.map((attempt) => attempt.invokedAt));
    const items = request.items.map((requested, index): ItemFacts => {
      const first = firstOutcome(attempts, index);
      return {
        request,
        position: index + 1,
        requested,
        invokedAt,
        respondedAt: first?.at ?? Infinity,
        reported: first?.reported,
        stored: stored.get(itemKeyOf(request, index + 1)),
        settled: settled.has(itemKeyOf(request, index + 1)),
      };
    });
    return { request, attempts, items };
  });
}

/** Whether the item changed a record, according to the ledger. */
export function isApplied({ stored, settled }: Pick<ItemFacts, 'stored' | 'settled'>): boolean {
  return stored === undefined ? settled : stored.code === null;
}

/**
 * Whether the response may show the record at a later version than the item produced: an attempt read it after the change that
 * another attempt made. The items of a single write, of a batch of one and of a rollback are one transaction with the ledger.
 */
export function mayShowLaterVersion({ request, respondedAt }: ItemFacts): boolean {
  const { onError, items, attempts } = request;
  const before = attempts.filter(({ invokedAt }) => invokedAt < respondedAt);
  return isBatch(request) && onError !== 'rollback' && items.length > 1 && before.length > 1;
}

/** Identifies an item of a request within a team. */
export function itemKeyOf({ clientId, keyHash }: { clientId: string; keyHash: string }, item: number): string {
  return `${clientId} ${keyHash} ${item}`;
}

/** What an applied item did to its record; undefined if it is not known. */
export function effectOf({ reported, stored }: Pick<ItemFacts, 'reported' | 'stored'>): string | undefined {
  if (reported !== undefined) return reported.effect;
  return stored === undefined ? undefined : (JSON.parse(stored.entry) as { effect?: string }).effect; // an entry of the ledger
}

/** The results in a response, open ones included. */
export function itemsOf(parsed: ParsedResponse): ItemResult[] {
  return parsed.kind === 'settled' || parsed.kind === 'partial' ? parsed.items : [];
}

function parsedAttempts(request: RequestHistory): ParsedAttempt[] {
  return request.attempts
    .flatMap(({ outcome, endedAt }) =>
      typeof outcome === 'string' ? [] : [{ response: outcome, parsed: readResponse(request, outcome), endedAt }],
    )
    .sort((a, b) => a.endedAt - b.endedAt);
}

function firstOutcome(attempts: ParsedAttempt[], index: number): { reported: ItemResult; at: number } | undefined {
  for (const { parsed, endedAt } of attempts) {
    const reported = itemsOf(parsed)[index];
    if (reported !== undefined && reported.state !== 'open') return { reported, at: endedAt };
  }
  return undefined;
}
