import type { RoundHistory, StoredRecord, Tokens } from '../history';
import type { ItemFacts, RequestFacts } from './item.facts';

/** A change of a record by an item. */
export interface Change {
  version: number;
  facts: ItemFacts;
}

/** A record and its known changes: from responses or, without one, from the ledger. */
export interface RecordTimeline {
  id: string;
  /** Its values at version 1; undefined if no known request created it. */
  origin: Tokens | undefined;
  changes: Change[];
  stored: StoredRecord | undefined;
  /** Items that failed according to their response. */
  failures: ItemFacts[];
}

/** Groups the items by record. */
export function timelinesOf(round: RoundHistory, requests: readonly RequestFacts[]): RecordTimeline[] {
  const timelines = new Map<string, RecordTimeline>();
  const timelineOf = (id: string): RecordTimeline => {
    const known = timelines.get(id);
    if (known !== undefined) return known;
    const made: RecordTimeline = { id, origin: undefined, changes: [], stored: undefined, failures: [] };
    timelines.set(id, made);
    return made;
  };

  for (const { id, name } of round.seeded) timelineOf(id).origin = { name };
  for (const stored of round.final.records) timelineOf(stored.id).stored = stored;
  for (const facts of requests.flatMap(({ items }) => items)) {
    const { requested, reported } = facts;
    const made = changeOf(facts);
    if (made === undefined) {
      if (reported?.state === 'failed' && (requested.type === 'patch' || requested.type === 'delete')) {
        timelineOf(requested.id).failures.push(facts);
      }
      continue;
    }
    const timeline = timelineOf(made.id);
    timeline.changes.push({ version: made.version, facts });
    if (requested.type === 'create') timeline.origin = requested.set;
  }
  for (const { changes } of timelines.values()) changes.sort((a, b) => a.version - b.version);
  return [...timelines.values()];
}

/** The record and version that an item produced; undefined if it is not known to have changed a record. */
function changeOf({ reported, stored }: ItemFacts): { id: string; version: number } | undefined {
  if (reported !== undefined) {
    const { state, id, version } = reported;
    return state === 'applied' && id !== null && version !== undefined ? { id, version } : undefined;
  }
  if (stored?.code !== null) return undefined;
  const entry = JSON.parse(stored.entry) as { id: string; etag: string }; // the entry of an applied item has both
  return { id: entry.id, version: Number(entry.etag.slice(1, -1)) };
}
