import { type ItemFacts, itemsOf, type RequestFacts } from './item.facts';
import type { Violation } from './violation';

/** Whether the answers to one key are ones that a caller may get, and agree with each other byte for byte. */
export function checkResponses({ request, attempts, items }: RequestFacts): Violation[] {
  const { key } = request;
  const violations: Violation[] = [];
  let whole: string | undefined;
  for (const { response: response, reading } of attempts) {
    if (reading.kind === 'unexpected') violations.push({ rule: 'unexpected-answer', message: reading.why, key });
    for (const [index, told] of itemsOf(reading).entries()) {
      const first = items[index]?.told;
      if (told.code === 'internal') {
        violations.push({ rule: 'unexpected-answer', message: told.text, key, item: index + 1 });
      } else if (told.state !== 'open' && first !== undefined && told.text !== first.text) {
        const message = `was answered with ${first.text} and with ${told.text}`;
        violations.push({ rule: 'replay-differs', message, key, item: index + 1 });
      }
    }
    if (reading.kind === 'settled') {
      if (whole !== undefined && whole !== reading.text) {
        violations.push({ rule: 'replay-differs', message: `answered ${whole} and ${reading.text}`, key });
      }
      whole ??= reading.text;
    }
    if (response.replay && !(reading.kind === 'settled' && reading.items.every((item) => !item.marked))) {
      violations.push({ rule: 'replay-differs', message: `a whole replay is not whole: ${response.body}`, key });
    }
  }
  const known = attempts.some(({ reading }) => reading.kind === 'settled' || reading.kind === 'unexpected');
  if (!known && !request.canceled) {
    violations.push({
      rule: 'never-answered',
      message: `has no answer after ${request.attempts.length} attempts`,
      key,
    });
  }
  return [...violations, ...items.flatMap(checkAsked)];
}

/** Whether another item's failure decided what became of this one. */
function isDecidedByAnother({ request, told }: ItemFacts): boolean {
  const code = { continue: undefined, stop: 'not_attempted', rollback: 'rolled_back' }[request.onError];
  return code !== undefined && told?.code === code;
}

/** Whether an item's outcome is one that what was asked for can have, whatever the records were like. */
function checkAsked(facts: ItemFacts): Violation[] {
  const { asked, told, request, place } = facts;
  if (told === undefined || isDecidedByAnother(facts)) return [];
  const wrong = (expected: string): Violation[] => [
    { rule: 'impossible-outcome', message: `${expected} expected: ${told.text}`, key: request.key, item: place },
  ];
  switch (asked.ask) {
    case 'refusal':
      return told.code === asked.code ? [] : wrong(asked.code);
    case 'create':
      return told.state === 'applied' && told.version === 1 ? [] : wrong('a record at version 1');
    case 'delete':
    case 'patch': {
      if (told.state === 'applied' && told.id !== asked.id) return wrong(`record ${asked.id}`);
      const ifMatch = asked.ask === 'patch' ? asked.ifMatch : undefined;
      if (told.state === 'applied') {
        return ifMatch === undefined || told.version === ifMatch + 1 ? [] : wrong(`version ${ifMatch + 1}`);
      }
      return told.code === 'not_found' || (told.code === 'precondition_failed' && ifMatch !== undefined)
        ? []
        : wrong('the record, or an error that its state can explain,');
    }
  }
}
