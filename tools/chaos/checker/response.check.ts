import { type ItemFacts, itemsOf, mayShowLaterVersion, type RequestFacts } from './item.facts';
import type { Violation } from './violation';

/** Checks that every response to a key is one that a caller may get, and that they agree byte for byte. */
export function checkResponses({ request, attempts, items }: RequestFacts): Violation[] {
  const { key } = request;
  const violations: Violation[] = [];
  let whole: string | undefined;
  for (const { response, parsed } of attempts) {
    if (parsed.kind === 'unexpected') violations.push({ rule: 'unexpected-response', message: parsed.why, key });
    for (const [index, reported] of itemsOf(parsed).entries()) {
      const first = items[index]?.reported;
      if (reported.code === 'internal') {
        violations.push({ rule: 'unexpected-response', message: reported.text, key, item: index + 1 });
      } else if (reported.state !== 'open' && first !== undefined && reported.text !== first.text) {
        const message = `responses differ: ${first.text} and ${reported.text}`;
        violations.push({ rule: 'replay-differs', message, key, item: index + 1 });
      }
    }
    if (parsed.kind === 'settled') {
      if (whole !== undefined && whole !== parsed.text) {
        violations.push({ rule: 'replay-differs', message: `responses differ: ${whole} and ${parsed.text}`, key });
      }
      whole ??= parsed.text;
    }
    if (response.replay && !(parsed.kind === 'settled' && parsed.items.every((item) => !item.marked))) {
      violations.push({
        rule: 'replay-differs',
        message: `a replayed response is incomplete or has marks: ${response.body}`,
        key,
      });
    }
  }
  const known = attempts.some(({ parsed }) => parsed.kind === 'settled' || parsed.kind === 'unexpected');
  if (!known && !request.canceled) {
    violations.push({
      rule: 'no-response',
      message: `has no final response after ${request.attempts.length} attempts`,
      key,
    });
  }
  return [...violations, ...items.flatMap(checkOutcome)];
}

/** Whether the item has its outcome because another item failed. */
function failedWithAnother({ request, reported }: ItemFacts): boolean {
  const code = { continue: undefined, stop: 'not_attempted', rollback: 'rolled_back' }[request.onError];
  return code !== undefined && reported?.code === code;
}

/** Checks that the outcome of an item is possible for its request, whatever the state of the records. */
function checkOutcome(facts: ItemFacts): Violation[] {
  const { requested, reported, request, position } = facts;
  if (reported === undefined || failedWithAnother(facts)) return [];
  const wrong = (expected: string): Violation[] => [
    { rule: 'impossible-outcome', message: `${expected} expected: ${reported.text}`, key: request.key, item: position },
  ];
  switch (requested.type) {
    case 'rejection':
      return reported.code === requested.code ? [] : wrong(requested.code);
    case 'create':
      if (reported.state === 'applied' && (reported.version === 1 || mayShowLaterVersion(facts))) return [];
      return wrong('a record at version 1');
    case 'upsert': {
      if (reported.state !== 'applied') return wrong('an applied upsert');
      const first = reported.effect === 'created';
      const { version } = reported;
      const shown = version !== undefined && (mayShowLaterVersion(facts) ? version >= 1 : first === (version === 1));
      return shown && reported.id !== null ? [] : wrong(first ? 'a record at version 1' : 'a later version');
    }
    case 'delete':
    case 'patch': {
      if (reported.state === 'applied' && reported.id !== requested.id) return wrong(`record ${requested.id}`);
      const ifMatch = requested.type === 'patch' ? requested.ifMatch : undefined;
      if (reported.state === 'applied') {
        const later = mayShowLaterVersion(facts);
        if (reported.version === undefined) return later ? [] : wrong('an etag');
        const least = (ifMatch ?? 0) + 1;
        const met = ifMatch === undefined || (later ? reported.version >= least : reported.version === least);
        return met ? [] : wrong(`version ${least}`);
      }
      return reported.code === 'not_found' || (reported.code === 'precondition_failed' && ifMatch !== undefined)
        ? []
        : wrong('the record or an error that its state explains');
    }
  }
}
