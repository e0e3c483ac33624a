const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
// '[' and '{' differ in one bit only, as do ']' and '}'.
const CASE_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

// What JSON.parse was seen to make of each, at most, in bytes.
const PER_BRACKET = 64;
const PER_MEMBER = 80;
const PER_ELEMENT = 24;

/** What JSON text shows before it is parsed. */
export interface JsonScan {
  /** Where it first nests objects and arrays too deep, in bytes from 0; undefined if nowhere. */
  tooDeepAt: number | undefined;
  /** What its values will take on the heap, about; more rather than less. */
  heapBytes: number;
}

/**
 * Looks at the structure of JSON text, outside of strings, and at nothing else: whether the text is JSON is for the parser
 * to say. Ends where it is nested deeper than `deepest`.
 */
export function scanJson(body: Buffer, deepest: number): JsonScan {
  let depth = 0;
  let brackets = 0;
  let members = 0;
  let elements = 0;
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
    } else if ((byte | CASE_BIT) === OPENING) {
      brackets += 1;
      depth += 1;
      if (depth > deepest) {
        tooDeepAt = at;
        break;
      }
    } else if ((byte | CASE_BIT) === CLOSING) {
      depth -= 1;
    }
  }
  const heapBytes = body.length + PER_BRACKET * brackets + PER_MEMBER * members + PER_ELEMENT * elements;
  return { tooDeepAt, heapBytes };
}
