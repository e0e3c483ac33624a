import { isUtf8 } from 'node:buffer';
import { ProblemException } from '#libs/problems';
import { findPoisonedKey } from './json-poison.check';
import { findSyntaxFault } from './json-syntax.position';
import { scanJson } from './json.scan';

/** The contract's limit: an object or array inside another is one level deeper. */
const DEEPEST = 32;

/** A JSON body that may be parsed. */
export interface ParsableBody {
  /** What its value will take on the heap, about; more rather than less. */
  heapBytes: number;
  /**
   * Its value; undefined if it is empty, which is fine where none is needed.
   * Safe to keep and to merge: no key of it reaches a prototype.
   *
   * @throws ProblemException `invalid_json`; the message says what and where, and repeats nothing of the body
   */
  parse(): unknown;
}

/**
 * Looks at a JSON body before it is parsed: JSON.parse spends 100 ns and 60 bytes on each opening bracket of a hostile one.
 * Takes time in proportion to the bytes read until the first fault.
 *
 * @throws ProblemException `invalid_json` if it is nested too deep
 */
export function examineJsonBody(body: Buffer): ParsableBody {
  const { tooDeepAt, heapBytes } = scanJson(body, DEEPEST);
  if (tooDeepAt !== undefined) {
    throw invalidJson(`The body is nested deeper than ${DEEPEST} levels, at byte ${tooDeepAt}.`);
  }
  return { heapBytes, parse: () => (body.length === 0 ? undefined : parseBody(body)) };
}

function parseBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw invalidJson('The body is not UTF-8 text.');
  const value = parse(body.toString('utf8'));
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
