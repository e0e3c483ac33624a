const QUOTE = 0x22;
const BACKSLASH = 0x5c;
// '[' and '{' differ in one bit only, as do ']' and '}'.
const CASE_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Where JSON text first nests objects and arrays deeper than `deepest`, in bytes from 0; undefined if nowhere.
 * Looks at brackets outside of strings and at nothing else: whether the text is JSON is for the parser to say.
 */
export function findNestingFault(body: Buffer, deepest: number): number | undefined {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at] ?? 0;
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) {
      inString = true;
    } else if ((byte | CASE_BIT) === OPENING) {
      depth += 1;
      if (depth > deepest) return at;
    } else if ((byte | CASE_BIT) === CLOSING) {
      depth -= 1;
    }
  }
  return undefined;
}
