import type { Tokens } from '../history';
import type { ItemFacts } from './item.facts';
import type { Change, RecordTimeline } from './record.timeline';
import type { Rule, Violation } from './violation';

/** Whether a record's changes are those that were asked for: each once, none missing, in an order that callers can have seen. */
export function checkRecord(timeline: RecordTimeline): Violation[] {
  return [
    ...checkVersions(timeline),
    ...checkValues(timeline),
    ...checkOrder(timeline),
    ...timeline.failures.flatMap((failure) => checkFailure(timeline, failure)),
  ];
}

/** Version by version: one item made it, and there are as many as the record says. */
function checkVersions(timeline: RecordTimeline): Violation[] {
  const { changes, stored, origin, id } = timeline;
  const last = stored?.version ?? 0;
  const violations: Violation[] = [];
  const made = new Map<number, Change>();
  for (const change of changes) {
    const before = made.get(change.version);
    if (change.version > last) {
      violations.push(about(change.facts, 'lost', `made version ${change.version}; the record is at ${last}`, id));
    } else if (before !== undefined) {
      const message = `made version ${change.version}, as item ${before.facts.place} of ${before.facts.request.key} did`;
      violations.push(about(change.facts, 'lost', message, id));
    }
    made.set(change.version, change);
  }
  const created = changes.some(({ facts }) => facts.asked.ask === 'create');
  if (origin === undefined && stored !== undefined) {
    violations.push({
      rule: 'doubled',
      message: `exists, and no item that is known made it: ${JSON.stringify(stored)}`,
      record: id,
    });
  }
  for (let version = created ? 1 : 2; version <= last; version++) {
    if (made.has(version)) continue;
    violations.push({
      rule: 'doubled',
      message: `version ${version} of ${last} was made by no item that is known`,
      record: id,
    });
  }
  return violations;
}

/** Each version holds what the one before it held and what its item set, and so does what is stored. */
function checkValues({ changes, origin, stored, id }: RecordTimeline): Violation[] {
  if (origin === undefined) return [];
  const violations: Violation[] = [];
  let tokens: Tokens = { ...origin };
  let version = 1;
  for (const { version: next, facts } of changes) {
    const { asked, told } = facts;
    if (next > version + 1) return violations; // something unknown came between: checkVersions has said so
    version = next;
    if (asked.ask === 'patch') tokens = { ...tokens, ...asked.set };
    const shown = told?.record?.default;
    if (shown === undefined || (shown.name === tokens.name && shown.notes === tokens.notes)) continue;
    const message = `answered ${JSON.stringify(shown)} where version ${next} holds ${JSON.stringify(tokens)}`;
    violations.push(about(facts, 'out-of-order', message, id));
  }
  if (stored?.version !== version) return violations;
  if (stored.name !== (tokens.name ?? null) || stored.notes !== (tokens.notes ?? null)) {
    const message = `holds ${JSON.stringify(stored)} where its items left ${JSON.stringify(tokens)}`;
    violations.push({ rule: 'lost', message, record: id });
  }
  const deleted = changes.at(-1)?.facts.asked.ask === 'delete';
  if (stored.deleted !== deleted) {
    violations.push({ rule: 'lost', message: deleted ? 'its deletion is gone' : 'was deleted by nobody', record: id });
  }
  return violations;
}

/** What was answered before something else was asked came before it. And nothing comes after a deletion. */
function checkOrder({ changes, id }: RecordTimeline): Violation[] {
  const violations: Violation[] = [];
  let earliest: Change | undefined;
  for (const change of changes.toReversed()) {
    if (earliest !== undefined && earliest.facts.respondedAt < change.facts.invokedAt) {
      const message =
        `made version ${change.version} and was asked for at ${change.facts.invokedAt.toFixed(1)} ms, ` +
        `after version ${earliest.version} had been answered at ${earliest.facts.respondedAt.toFixed(1)} ms`;
      violations.push(about(change.facts, 'out-of-order', message, id));
    }
    if (earliest !== undefined && change.facts.asked.ask === 'delete') {
      violations.push(about(change.facts, 'out-of-order', `deleted it before version ${earliest.version}`, id));
    }
    if (earliest === undefined || change.facts.respondedAt < earliest.facts.respondedAt) earliest = change;
  }
  return violations;
}

/** An item may have changed nothing only if the record was so at some moment while it was under way. */
function checkFailure({ changes, id }: RecordTimeline, failure: ItemFacts): Violation[] {
  const { asked, told, invokedAt, respondedAt } = failure;
  const gone = changes.some(({ facts }) => facts.asked.ask === 'delete' && facts.invokedAt < respondedAt);
  if (told?.code === 'not_found') {
    return gone ? [] : [about(failure, 'impossible-outcome', 'not_found, and nobody had deleted it', id)];
  }
  if (told?.code !== 'precondition_failed' || asked.ask !== 'patch') return [];
  const { ifMatch = 0 } = asked;
  const began =
    changes.find(({ version }) => version === ifMatch)?.facts.respondedAt ?? (ifMatch === 1 ? -Infinity : Infinity);
  const ended = changes.find(({ version }) => version === ifMatch + 1)?.facts.invokedAt ?? Infinity;
  if (began >= invokedAt || ended <= respondedAt) return [];
  return [
    about(failure, 'impossible-outcome', `precondition_failed, and version ${ifMatch} was current all the time`, id),
  ];
}

function about(facts: ItemFacts, rule: Rule, message: string, record: string): Violation {
  return { rule, message, key: facts.request.key, item: facts.place, record };
}
