import type { RoundHistory, StoredRecord, Tokens } from '../history';
import { effectOf, isApplied, type ItemFacts, mayShowLaterVersion, type RequestFacts } from './item.facts';
import { versionOf } from '../results.reader';

/** An applied item and the versions that it can have produced. */
export interface Candidate {
  /** The version that its outcome shows: the one that it produced, or a later one. Undefined if it shows none. */
  shown: number | undefined;
  /** The highest version that a caller knew before the request was sent. */
  known: number;
  /** The lowest and the highest version that it can have produced. */
  from: number;
  to: number;
  facts: ItemFacts;
}

/** A change of a record by an item. */
export interface Change extends Candidate {
  /** The version that it produced. */
  version: number;
  /** Whether no other item can have produced this version. */
  certain: boolean;
}

/** A record and its known changes: from responses or, without one, from the ledger. */
export interface RecordTimeline {
  id: string;
  /** Its values at version 1, without those of an upsert; undefined if no known request created it. */
  origin: Tokens | undefined;
  /** The first version that an item produced: 1, or 2 if the record existed at the start. */
  first: 1 | 2;
  /** In the order of the versions, at most one for each version. */
  changes: Change[];
  /** Applied items that produced none of the versions: their changes are missing. */
  missing: Candidate[];
  stored: StoredRecord | undefined;
  /** Items that failed according to their response. */
  failures: ItemFacts[];
}

/** Groups the items by record. */
export function timelinesOf(round: RoundHistory, requests: readonly RequestFacts[]): RecordTimeline[] {
  const timelines = new Map<string, RecordTimeline>();
  const applied = new Map<string, Applied[]>();
  const timelineOf = (id: string): RecordTimeline => {
    const known = timelines.get(id);
    if (known !== undefined) return known;
    const nothing = { origin: undefined, stored: undefined };
    const made: RecordTimeline = { id, first: 2, changes: [], missing: [], failures: [], ...nothing };
    timelines.set(id, made);
    return made;
  };

  for (const { id, name } of round.seeded) timelineOf(id).origin = { name };
  const imported = new Set<string | null>(round.imports.flatMap(({ rows }) => rows.map(({ marker }) => marker)));
  for (const stored of round.final.records) {
    if (!imported.has(stored.marker)) timelineOf(stored.id).stored = stored;
  }
  const created = new Map(round.final.records.map(({ id, marker }) => [marker, id]));
  for (const facts of requests.flatMap(({ items }) => items)) {
    const { requested, reported } = facts;
    const made = changeOf(facts, created);
    if (made === undefined) {
      if (reported?.state === 'failed' && (requested.type === 'patch' || requested.type === 'delete')) {
        timelineOf(requested.id).failures.push(facts);
      }
      continue;
    }
    const timeline = timelineOf(made.id);
    applied.set(made.id, [...(applied.get(made.id) ?? []), { shown: made.version, facts }]);
    if (requested.type === 'create') timeline.origin = requested.set;
    if (requested.type === 'upsert') timeline.origin = {};
    if (requested.type === 'create' || requested.type === 'upsert') timeline.first = 1;
  }
  for (const timeline of timelines.values()) {
    assignVersions(timeline, applied.get(timeline.id) ?? []);
  }
  return [...timelines.values()];
}

type Applied = Pick<Candidate, 'shown' | 'facts'>;

function candidatesOf(applied: readonly Applied[], first: number, last: number): Candidate[] {
  const responses = applied.toSorted((a, b) => b.facts.respondedAt - a.facts.respondedAt);
  let known = first - 1;
  return applied
    .toSorted((a, b) => a.facts.invokedAt - b.facts.invokedAt)
    .map(({ shown, facts }): Candidate => {
      for (let next = responses.at(-1); next !== undefined && next.facts.respondedAt < facts.invokedAt;) {
        known = Math.max(known, next.shown ?? 0);
        responses.pop();
        next = responses.at(-1);
      }
      const exact = exactVersion(facts, shown, last);
      const to = exact ?? shown ?? last;
      const least = effectOf(facts) === 'updated' ? 2 : 1;
      return { shown, known, from: exact ?? Math.min(Math.max(known + 1, least), to), to, facts };
    });
}

/**
 * Assigns versions to items that can have produced them, to as many items as possible: each version, from the lowest one up, goes to
 * the item whose range of versions ends first.
 */
function assignVersions(timeline: RecordTimeline, applied: readonly Applied[]): void {
  const { changes, missing, stored, first } = timeline;
  const last = stored?.version ?? 0;
  const candidates = candidatesOf(applied, first, last);
  const unassigned = candidates.filter(({ to, shown = to }) => shown <= last).sort((a, b) => a.to - b.to);
  missing.push(...candidates.filter((candidate) => !unassigned.includes(candidate)));
  for (let version = first; version <= last; version++) {
    const index = unassigned.findIndex(({ from, to }) => from <= version && version <= to);
    const [candidate] = index < 0 ? [] : unassigned.splice(index, 1);
    if (candidate !== undefined) changes.push({ ...candidate, version, certain: true });
  }
  missing.push(...unassigned);
  const made = new Map(changes.map((change) => [change.version, change]));
  const movable = new Set(missing.flatMap((candidate) => displacedBy(candidate, made)));
  for (const change of changes) {
    const displaced = displacedBy(change, made);
    change.certain = !movable.has(change) && !displaced.includes(change) && !displaced.includes(undefined);
  }
}

/**
 * The changes that could lose their versions, directly or in turn, if this item took another version of its range. If a change is
 * among its own, it may have swapped versions with others. Undefined: one of these versions belongs to no known item.
 */
function displacedBy(candidate: Candidate | Change, made: ReadonlyMap<number, Change>): (Change | undefined)[] {
  const displaced = new Set<Change | undefined>();
  const pending = [candidate];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (let version = next.from; version <= next.to; version++) {
      const other = made.get(version);
      if (other === next || displaced.has(other)) continue;
      displaced.add(other);
      if (other !== undefined) pending.push(other);
    }
  }
  return [...displaced];
}

/** The version that an item must have produced, whatever its outcome shows; undefined if there are several. */
function exactVersion(facts: ItemFacts, shown: number | undefined, last: number): number | undefined {
  const { requested } = facts;
  if (!mayShowLaterVersion(facts) && shown !== undefined) return shown;
  if (requested.type === 'patch' && requested.ifMatch !== undefined) return requested.ifMatch + 1;
  if (requested.type === 'create' || effectOf(facts) === 'created') return 1;
  // No change follows a deletion.
  if (requested.type === 'delete') return shown ?? last;
  return undefined;
}

/**
 * The record that an item changed and the version that its outcome shows; undefined if it is not known to be applied.
 *
 * @param created the ids of the records that were created, by their marker
 */
function changeOf(
  facts: ItemFacts,
  created: ReadonlyMap<string | null, string>,
): { id: string; version: number | undefined } | undefined {
  const { reported, stored, requested } = facts;
  if (reported !== undefined) {
    const { state, id, version } = reported;
    return state === 'applied' && id !== null ? { id, version } : undefined;
  }
  if (!isApplied(facts)) return undefined;
  if (stored === undefined) {
    const id = 'marker' in requested ? created.get(requested.marker) : requested.id;
    return id === undefined || id === null ? undefined : { id, version: undefined };
  }
  const { id, etag } = JSON.parse(stored.entry) as { id: string; etag?: string }; // the entry of an applied item
  return { id, version: versionOf(etag) };
}
