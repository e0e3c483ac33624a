import type { RoundHistory, StoredRecord, Tokens } from '../history';
import { isApplied, type ItemFacts, mayShowLaterVersion, type RequestFacts } from './item.facts';

/** A change of a record by an item. */
export interface Change {
  /** The version that it produced. */
  version: number;
  /** The version that its outcome shows, which may be later. */
  shown: number | undefined;
  /** Whether no other item can have produced this version. */
  certain: boolean;
  facts: ItemFacts;
}

/** An applied item and what is known of the version that it produced: that version, or the highest possible one. */
interface Claim {
  shown: number | undefined;
  exact: number | undefined;
  facts: ItemFacts;
}

/** A record and its known changes: from responses or, without one, from the ledger. */
export interface RecordTimeline {
  id: string;
  /** Its values at version 1; undefined if no known request created it. */
  origin: Tokens | undefined;
  /** In the order of the versions. Each version has one at most. */
  changes: Change[];
  /** Applied items that produced none of the versions: their changes are missing. */
  missing: { shown: number | undefined; facts: ItemFacts }[];
  stored: StoredRecord | undefined;
  /** Items that failed according to their response. */
  failures: ItemFacts[];
}

/** Groups the items by record. */
export function timelinesOf(round: RoundHistory, requests: readonly RequestFacts[]): RecordTimeline[] {
  const timelines = new Map<string, RecordTimeline>();
  const claims = new Map<string, Claim[]>();
  const timelineOf = (id: string): RecordTimeline => {
    const known = timelines.get(id);
    if (known !== undefined) return known;
    const made: RecordTimeline = { id, origin: undefined, changes: [], missing: [], stored: undefined, failures: [] };
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
    const claim = { shown: made.version, exact: exactVersion(facts, made.version, timeline.stored), facts };
    claims.set(made.id, [...(claims.get(made.id) ?? []), claim]);
    if (requested.type === 'create') timeline.origin = requested.set;
  }
  for (const timeline of timelines.values()) assignVersions(timeline, claims.get(timeline.id) ?? []);
  return [...timelines.values()];
}

/**
 * Matches items to the versions that they can have produced, so that as many as possible are matched. From the highest version
 * down, an item that can have produced a version can have produced every lower one too, so it does not matter which one of
 * them is chosen; one that shows the version is preferred.
 */
function assignVersions(timeline: RecordTimeline, claims: readonly Claim[]): void {
  const { changes, missing, stored } = timeline;
  const last = stored?.version ?? 0;
  const made = new Map<number, Change>();
  const open: Claim[] = [];
  for (const claim of claims) {
    const { shown, exact, facts } = claim;
    if (exact === undefined && (shown ?? 0) <= last) open.push(claim);
    else if (exact === undefined || exact > last || made.has(exact)) missing.push({ shown: exact ?? shown, facts });
    else made.set(exact, { version: exact, shown, certain: true, facts });
  }
  const first = claims.some(({ facts }) => facts.requested.type === 'create') ? 1 : 2;
  const moved: { from: number; to: number }[] = [];
  for (let version = last; version >= first; version--) {
    if (made.has(version)) continue;
    const own = open.findIndex(({ shown }) => shown === version);
    const index = own >= 0 ? own : open.findIndex(({ shown = last }) => shown >= version);
    const [claim] = index < 0 ? [] : open.splice(index, 1);
    if (claim === undefined) continue;
    const { shown, facts } = claim;
    if (shown !== version) moved.push({ from: version, to: shown ?? last });
    made.set(version, { version, shown, certain: false, facts });
  }
  missing.push(...open);
  // An item that is left without a version could have taken the place of any other that it can have produced.
  moved.push(...open.map(({ shown }) => ({ from: first, to: shown ?? last })));
  changes.push(...[...made.values()].sort((a, b) => a.version - b.version));
  for (const change of changes) {
    // No item can be moved across a version that no moved item has passed.
    change.certain ||= !moved.some(({ from, to }) => from <= change.version && change.version <= to);
  }
}

/** The version that an item must have produced, whatever its outcome shows; undefined if there are several. */
function exactVersion(
  { request, requested }: ItemFacts,
  shown: number | undefined,
  stored?: StoredRecord,
): number | undefined {
  if (!mayShowLaterVersion(request) && shown !== undefined) return shown;
  if (requested.type === 'patch' && requested.ifMatch !== undefined) return requested.ifMatch + 1;
  // No change follows a deletion.
  if (requested.type === 'delete') return shown ?? stored?.version;
  return undefined;
}

/** The record that an item changed and the version that its outcome shows; undefined if it is not known to be applied. */
function changeOf(facts: ItemFacts): { id: string; version: number | undefined } | undefined {
  const { reported, stored, requested } = facts;
  if (reported !== undefined) {
    const { state, id, version } = reported;
    return state === 'applied' && id !== null ? { id, version } : undefined;
  }
  if (!isApplied(facts)) return undefined;
  if (stored === undefined) {
    return requested.type === 'patch' || requested.type === 'delete'
      ? { id: requested.id, version: undefined }
      : undefined;
  }
  const { id, etag } = JSON.parse(stored.entry) as { id: string; etag?: string }; // the entry of an applied item
  return { id, version: etag === undefined ? undefined : Number(etag.slice(1, -1)) };
}
