import type { RequestedItem, Tokens } from '../history';
import type { ItemFacts } from './item.facts';
import type { Change, RecordTimeline } from './record.timeline';
import type { Rule, Violation } from './violation';

/** Checks that a record has the requested changes: each once, none missing, in an order that matches the responses. */
export function checkRecord(timeline: RecordTimeline): Violation[] {
  return [
    ...checkVersions(timeline),
    ...checkValues(timeline),
    ...checkSum(timeline),
    ...checkOrder(timeline),
    ...timeline.failures.flatMap((failure) => checkFailure(timeline, failure)),
  ];
}

/** One item produced each version, up to the version of the record. */
function checkVersions(timeline: RecordTimeline): Violation[] {
  const { changes, missing, stored, origin, id, first } = timeline;
  const last = stored?.version ?? 0;
  const violations: Violation[] = [];
  const made = new Set(changes.map(({ version }) => version));
  for (const { shown, facts } of missing) {
    const message = `${shown === undefined ? 'is applied' : `shows version ${shown}`}; the record is at ${last}, and every version that the item can have produced is another item's`;
    violations.push(about(facts, 'lost', message, id));
  }
  if (origin === undefined && stored !== undefined) {
    violations.push({
      rule: 'duplicated',
      message: `exists, but no known item created it: ${JSON.stringify(stored)}`,
      record: id,
    });
  }
  for (let version = first; version <= last; version++) {
    if (made.has(version)) continue;
    violations.push({
      rule: 'duplicated',
      message: `version ${version} of ${last} was produced by no known item`,
      record: id,
    });
  }
  return violations;
}

/** The values that a property may have at a version: several if it is not certain which item produced the version. */
type Possible = Record<keyof Tokens, readonly (string | undefined)[]>;

function setsTokens(requested: RequestedItem): requested is Extract<RequestedItem, { type: 'patch' | 'upsert' }> {
  return requested.type === 'patch' || requested.type === 'upsert';
}

/** The values after a change. */
function valuesAfter(before: Possible, change: Change, { changes, missing }: RecordTimeline): Possible {
  const { version, certain } = change;
  const uncertain = [...changes.filter((other) => !other.certain), ...missing];
  const candidates = certain ? [change] : uncertain.filter(({ from, to }) => from <= version && version <= to);
  const sets = candidates.map(({ facts: { requested } }) => (setsTokens(requested) ? requested.set : {}));
  const valuesOf = (name: keyof Tokens): Possible[keyof Tokens] => {
    const values = sets.flatMap((set) => set[name] ?? []);
    return values.length < sets.length ? [...before[name], ...values] : values;
  };
  return { name: valuesOf('name'), notes: valuesOf('notes') };
}

/** Each version, and the stored record, has the values of the previous version and those that its item set. */
function checkValues(timeline: RecordTimeline): Violation[] {
  const { changes, origin, stored, id } = timeline;
  if (origin === undefined) return [];
  const violations: Violation[] = [];
  let possible: Possible = { name: [origin.name], notes: [origin.notes] };
  const agrees = (name: unknown, notes: unknown): boolean =>
    possible.name.some((value) => value === name) && possible.notes.some((value) => value === notes);
  let version = 1;
  for (const change of changes) {
    if (change.version > version + 1) return violations; // an unknown change is between them: checkVersions reports it
    ({ version } = change);
    possible = valuesAfter(possible, change, timeline);
    for (const { facts } of changes.filter(({ shown }) => shown === version)) {
      const shown = facts.reported?.record?.default;
      if (shown === undefined || agrees(shown.name, shown.notes)) continue;
      const message = `response has ${JSON.stringify(shown)}, version ${version} has ${JSON.stringify(possible)}`;
      violations.push(about(facts, 'out-of-order', message, id));
    }
  }
  if (stored?.version !== version) return violations;
  if (!agrees(stored.name ?? undefined, stored.notes ?? undefined)) {
    const message = `has ${JSON.stringify(stored)}, its items set ${JSON.stringify(possible)}`;
    violations.push({ rule: 'lost', message, record: id });
  }
  const deleted = changes.at(-1)?.facts.requested.type === 'delete';
  if (stored.deleted !== deleted) {
    violations.push({
      rule: 'lost',
      message: deleted ? 'its deletion is missing' : 'is deleted, but no item deleted it',
      record: id,
    });
  }
  return violations;
}

/** Each increment counts once. */
function checkSum({ changes, stored, id }: RecordTimeline): Violation[] {
  if (stored === undefined || changes.at(-1)?.version !== stored.version) return []; // checkVersions reports it
  const expected = changes.reduce((sum, { facts: { requested } }) => {
    return sum + (setsTokens(requested) ? (requested.by ?? 0) : 0);
  }, 0);
  if (stored.sum === expected) return [];
  const message = `has the sum ${stored.sum}, its increments make ${expected}`;
  return [{ rule: stored.sum < expected ? 'lost' : 'duplicated', message, record: id }];
}

/** A version is later than those that were acknowledged before its request was sent. No change follows a deletion. */
function checkOrder({ changes, id }: RecordTimeline): Violation[] {
  const deletion = changes.find(({ facts }) => facts.requested.type === 'delete');
  return changes.flatMap(({ facts, to, known, shown, version }): Violation[] => {
    const wrong = (message: string): Violation[] => [about(facts, 'out-of-order', message, id)];
    if (to <= known) {
      return wrong(
        `produced version ${to} or an earlier one, but ${known} was acknowledged before its request was sent`,
      );
    }
    if (deletion !== undefined && version > deletion.version) return wrong(`version ${version} follows its deletion`);
    const gone = deletion !== undefined && deletion.facts.invokedAt < facts.respondedAt;
    return facts.reported !== undefined && shown === undefined && !gone ? wrong('shows no version of it') : [];
  });
}

/** An item may fail with `not_found` or `precondition_failed` only if the record allowed it at some time during its request. */
function checkFailure({ changes, id }: RecordTimeline, failure: ItemFacts): Violation[] {
  const { requested, reported, invokedAt, respondedAt } = failure;
  const gone = changes.some(({ facts }) => facts.requested.type === 'delete' && facts.invokedAt < respondedAt);
  if (reported?.code === 'not_found') {
    return gone ? [] : [about(failure, 'impossible-outcome', 'not_found, but no item deleted it', id)];
  }
  if (reported?.code !== 'precondition_failed' || requested.type !== 'patch') return [];
  const { ifMatch = 0 } = requested;
  if (changes.some(({ version, certain }) => !certain && (version === ifMatch || version === ifMatch + 1))) return [];
  const startedAt =
    changes.find(({ version }) => version === ifMatch)?.facts.respondedAt ?? (ifMatch === 1 ? -Infinity : Infinity);
  const ended = changes.find(({ version }) => version === ifMatch + 1)?.facts.invokedAt ?? Infinity;
  if (startedAt >= invokedAt || ended <= respondedAt) return [];
  return [
    about(failure, 'impossible-outcome', `precondition_failed, but version ${ifMatch} was current throughout`, id),
  ];
}

function about(facts: ItemFacts, rule: Rule, message: string, record: string): Violation {
  return { rule, message, key: facts.request.key, item: facts.position, record };
}
