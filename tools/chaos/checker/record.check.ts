import type { Tokens } from '../history';
import type { ItemFacts } from './item.facts';
import type { Change, RecordTimeline } from './record.timeline';
import type { Rule, Violation } from './violation';

/** Checks that a record has the requested changes: each once, none missing, in an order that matches the responses. */
export function checkRecord(timeline: RecordTimeline): Violation[] {
  return [
    ...checkVersions(timeline),
    ...checkValues(timeline),
    ...checkOrder(timeline),
    ...timeline.failures.flatMap((failure) => checkFailure(timeline, failure)),
  ];
}

/** One item produced each version, up to the version of the record. */
function checkVersions(timeline: RecordTimeline): Violation[] {
  const { changes, missing, stored, origin, id } = timeline;
  const last = stored?.version ?? 0;
  const violations: Violation[] = [];
  const made = new Set(changes.map(({ version }) => version));
  for (const { shown, facts } of missing) {
    const message = `${shown === undefined ? 'is applied' : `shows version ${shown}`}; the record is at ${last}, and every version that the item can have produced is another item's`;
    violations.push(about(facts, 'lost', message, id));
  }
  const created = changes.some(({ facts }) => facts.requested.type === 'create');
  if (origin === undefined && stored !== undefined) {
    violations.push({
      rule: 'duplicated',
      message: `exists, but no known item created it: ${JSON.stringify(stored)}`,
      record: id,
    });
  }
  for (let version = created ? 1 : 2; version <= last; version++) {
    if (made.has(version)) continue;
    violations.push({
      rule: 'duplicated',
      message: `version ${version} of ${last} was produced by no known item`,
      record: id,
    });
  }
  return violations;
}

/** A value after a change whose version is not certain. */
const unknown = Symbol('unknown');

function agrees(value: unknown, expected: string | typeof unknown | undefined): boolean {
  return expected === unknown || value === expected;
}

/** Each version, and the stored record, has the values of the version before and those that its item set. */
function checkValues({ changes, origin, stored, id }: RecordTimeline): Violation[] {
  if (origin === undefined) return [];
  const violations: Violation[] = [];
  let tokens: { [name in keyof Tokens]: string | typeof unknown | undefined } = { ...origin };
  let version = 1;
  for (const { version: next, certain, facts } of changes) {
    if (next > version + 1) return violations; // an unknown change is between them: checkVersions reports it
    version = next;
    if (!certain) tokens = { name: unknown, notes: unknown };
    else if (facts.requested.type === 'patch') tokens = { ...tokens, ...facts.requested.set };
    for (const { facts: showing } of changes.filter((change) => change.shown === next)) {
      const shown = showing.reported?.record?.default;
      if (shown === undefined || (agrees(shown.name, tokens.name) && agrees(shown.notes, tokens.notes))) continue;
      const message = `response has ${JSON.stringify(shown)}, version ${next} has ${JSON.stringify(tokens)}`;
      violations.push(about(showing, 'out-of-order', message, id));
    }
  }
  if (stored?.version !== version) return violations;
  if (!agrees(stored.name ?? undefined, tokens.name) || !agrees(stored.notes ?? undefined, tokens.notes)) {
    const message = `has ${JSON.stringify(stored)}, its items set ${JSON.stringify(tokens)}`;
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

/** A change whose response came before another request was sent has the lower version. No change follows a deletion. */
function checkOrder({ changes, id }: RecordTimeline): Violation[] {
  const violations: Violation[] = [];
  let earliest: Change | undefined;
  for (const change of changes.filter(({ certain }) => certain).toReversed()) {
    if (earliest !== undefined && earliest.facts.respondedAt < change.facts.invokedAt) {
      const message =
        `produced version ${change.version} and was requested at ${change.facts.invokedAt.toFixed(1)} ms, ` +
        `after version ${earliest.version} was acknowledged at ${earliest.facts.respondedAt.toFixed(1)} ms`;
      violations.push(about(change.facts, 'out-of-order', message, id));
    }
    if (earliest !== undefined && change.facts.requested.type === 'delete') {
      violations.push(about(change.facts, 'out-of-order', `deleted it before version ${earliest.version}`, id));
    }
    if (earliest === undefined || change.facts.respondedAt < earliest.facts.respondedAt) earliest = change;
  }
  return violations;
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
  const began =
    changes.find(({ version }) => version === ifMatch)?.facts.respondedAt ?? (ifMatch === 1 ? -Infinity : Infinity);
  const ended = changes.find(({ version }) => version === ifMatch + 1)?.facts.invokedAt ?? Infinity;
  if (began >= invokedAt || ended <= respondedAt) return [];
  return [
    about(failure, 'impossible-outcome', `precondition_failed, but version ${ifMatch} was current throughout`, id),
  ];
}

function about(facts: ItemFacts, rule: Rule, message: string, record: string): Violation {
  return { rule, message, key: facts.request.key, item: facts.place, record };
}
