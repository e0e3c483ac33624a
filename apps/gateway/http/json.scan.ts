import { ALWAYS_EXACT_LENGTH } from './json.number';

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
// '[' and '{' differ in one bit only, as do ']' and '}', and 'E' and 'e'.
const CASE_BIT = 0x20;
const E = 0x65;
const OPENING = 0x7b;
const CLOSING = 0x7d;

// The most bytes that JSON.parse was measured to allocate for each.
const PER_BRACKET = 64;
const PER_MEMBER = 80;
const PER_ELEMENT = 24;

/** What JSON text shows before it is parsed. */
export interface JsonScan {
  /** Where it first nests objects and arrays too deep, in bytes from 0; undefined if nowhere. */
  tooDeepAt: number | undefined;
  /** An estimate of what its values take on the heap; rather too high than too low. */
  heapBytes: number;
  /** How many numbers may not survive as a double: those that are long, or have an exponent. */
  suspectNumbers: number;
}

/** Receives a number that may not survive as a double: its bytes from `start` up to `end`. */
export type OnSuspectNumber = (start: number, end: number) => void;

/**
 * Scans the structure of JSON text, outside of strings, one byte after the other. Whether the text is JSON is for the
 * parser to say. Ends where it is nested deeper than `maxDepth`.
 */
export function scanJson(body: Buffer, maxDepth: number, onSuspectNumber?: OnSuspectNumber): JsonScan {
  let depth = 0;
  let brackets = 0;
  let members = 0;
  let elements = 0;
  let suspectNumbers = 0;
  let inString = false;
  let tooDeepAt: number | undefined;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === COMMA) {
      elements += 1;
    } else if (byte === COLON) {
      members += 1;
    } else if (isDigit(byte) || byte === MINUS) {
      const end = endOfNumber(body, at);
      if (end - at > ALWAYS_EXACT_LENGTH || hasExponent(body, at, end)) {
        suspectNumbers += 1;
        onSuspectNumber?.(at, end);
      }
      at = end - 1;
    } else if ((byte | CASE_BIT) === OPENING) {
      brackets += 1;
      depth += 1;
      if (depth > maxDepth) {
        tooDeepAt = at;
        break;
      }
    } else if ((byte | CASE_BIT) === CLOSING) {
      depth -= 1;
    }
  }
  const heapBytes = body.length + PER_BRACKET * brackets + PER_MEMBER * members + PER_ELEMENT * elements;
  return { tooDeepAt, heapBytes, suspectNumbers };
}

/** The end of the longest run of characters that a number can have; what stands there need not be a number. */
function endOfNumber(body: Buffer, start: number): number {
  let at = start + 1;
  for (; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (!isDigit(byte) && byte !== DOT && (byte | CASE_BIT) !== E && byte !== PLUS && byte !== MINUS) break;
  }
  return at;
}

function hasExponent(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (((body[at] ?? 0) | CASE_BIT) === E) return true;
  return false;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}
