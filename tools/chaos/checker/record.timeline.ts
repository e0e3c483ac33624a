import type { RoundHistory, StoredRecord, Tokens } from '../history';
import type { ItemFacts, RequestFacts } from './item.facts';

/** A change that some item made to a record. */
export interface Change {
  version: number;
  facts: ItemFacts;
}

/** One record and every change to it that is known, from answers or, where none came, from the ledger. */
export interface RecordTimeline {
  id: string;
  /** What it held at version 1; undefined if a creation made it and none is known. */
  origin: Tokens | undefined;
  changes: Change[];
  stored: StoredRecord | undefined;
  /** Items that were told that they changed nothing. */
  failures: ItemFacts[];
}

/** Puts each item to the record that it is about. */
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
    const { asked, told } = facts;
    const made = changeOf(facts);
    if (made === undefined) {
      if (told?.state === 'failed' && (asked.ask === 'patch' || asked.ask === 'delete')) {
        timelineOf(asked.id).failures.push(facts);
      }
      continue;
    }
    const timeline = timelineOf(made.id);
    timeline.changes.push({ version: made.version, facts });
    if (asked.ask === 'create') timeline.origin = asked.set;
  }
  for (const { changes } of timelines.values()) changes.sort((a, b) => a.version - b.version);
  return [...timelines.values()];
}

/** Which record an item changed, and the version it made; undefined if it is not known to have changed one. */
function changeOf({ told, stored }: ItemFacts): { id: string; version: number } | undefined {
  if (told !== undefined) {
    const { state, id, version } = told;
    return state === 'applied' && id !== null && version !== undefined ? { id, version } : undefined;
  }
  if (stored?.code !== null) return undefined;
  const entry = JSON.parse(stored.entry) as { id: string; etag: string }; // an applied item's has both
  return { id: entry.id, version: Number(entry.etag.slice(1, -1)) };
}
