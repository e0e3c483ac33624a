import { isUtf8 } from 'node:buffer';
import { ProblemException } from '#libs/problems';
import { findNestingFault } from './json-nesting.check';
import { findPoisonedKey } from './json-poison.check';
import { findSyntaxFault } from './json-syntax.position';

/** The contract's limit: an object or array inside another is one level deeper. */
const DEEPEST = 32;

/**
 * The value of a JSON body; undefined if the body is empty, which is fine where none is needed.
 * Safe to keep and to merge: no key of it reaches a prototype. Takes time in proportion to the bytes read until the first fault.
 *
 * @throws ProblemException `invalid_json`; the message says what and where, and repeats nothing of the body
 */
export function parseJsonBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  // Before JSON.parse, which spends 100 ns and 50 bytes on each opening bracket of a hostile body.
  const tooDeepAt = findNestingFault(body, DEEPEST);
  if (tooDeepAt !== undefined) {
    throw invalidJson(`The body is nested deeper than ${DEEPEST} levels, at byte ${tooDeepAt}.`);
  }
  if (!isUtf8(body)) throw invalidJson('The body is not UTF-8 text.');
  const text = body.toString('utf8');
  const value = parse(text);
  const poisoned = findPoisonedKey(value);
  if (poisoned !== undefined) throw invalidJson(`The body holds a "${poisoned}" key, which is not allowed.`);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidJson(`The body is not JSON: ${findSyntaxFault(text)}.`);
  }
}

function invalidJson(message: string): ProblemException {
  return new ProblemException('invalid_json', message);
}
