import { isExactNumber } from '#libs/json';

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
// Setting this bit turns '[' into '{', ']' into '}', and 'E' into 'e'.
const CASE_BIT = 0x20;
const E = 0x65;
const OPENING = 0x7b;
const CLOSING = 0x7d;

// The maximum that JSON.parse was measured to allocate for each, in bytes.
const PER_BRACKET = 64;
const PER_MEMBER = 80;
const PER_ELEMENT = 24;

/** A number without exponent of at most this many characters is always exact: a double represents 15 significant digits. */
const ALWAYS_EXACT_LENGTH = 15;

/** The limits of a JSON text. */
export interface JsonLimits {
  /** Nesting depth of objects and arrays. */
  depth: number;
  /** Members of one object. */
  members: number;
  /** Elements of one array. */
  elements: number;
}

/** The first limit that a JSON text exceeds, and the byte offset where it does. `closings`: a bracket closes nothing. */
export interface ExceededLimit {
  limit: keyof JsonLimits | 'closings';
  at: number;
}

/** Called for a number that a double may not represent exactly, with its byte range: `start` inclusive, `end` exclusive. */
type OnSuspectNumber = (start: number, end: number) => void;

const NO_LIMITS: JsonLimits = { depth: 1_000_000, members: Infinity, elements: Infinity };

/**
 * Scans the structure of a JSON text in parts, and stops at the first exceeded limit. Ignores the content of strings. Does not
 * check the syntax, except that no bracket closes more than is open; the parser does.
 */
export class JsonScanner {
  exceeded: ExceededLimit | undefined;
  /** Count of numbers that a double may not represent exactly: those that are long or have an exponent. */
  suspectNumbers = 0;
  private at = 0;
  private depth = 0;
  private inString = false;
  private brackets = 0;
  private members = 0;
  private elements = 0;
  /** Per nesting depth: the commas so far in the open object or array, and its maximum of members or elements. */
  private readonly counts: number[] = [];
  private readonly maxCounts: number[] = [];

  constructor(
    private readonly body: Buffer,
    private readonly limits: JsonLimits = NO_LIMITS,
    private readonly onSuspectNumber?: OnSuspectNumber,
  ) {}

  /** An upper estimate of the heap that the values scanned so far will take, in bytes. */
  get heapBytes(): number {
    return this.at + PER_BRACKET * this.brackets + PER_MEMBER * this.members + PER_ELEMENT * this.elements;
  }

  /** Scans at least `bytes` more. @returns whether there is more to scan */
  advance(bytes: number): boolean {
    const { body } = this;
    const end = Math.min(body.length, this.at + bytes);
    let { at, inString } = this;
    for (; at < end; at += 1) {
      const byte = body[at] ?? 0;
      if (inString) {
        if (byte === BACKSLASH) at += 1;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === COMMA) {
        this.elements += 1;
        const count = (this.counts[this.depth] ?? 0) + 1;
        this.counts[this.depth] = count;
        if (count >= (this.maxCounts[this.depth] ?? Infinity)) this.exceeded = { limit: this.limitName(), at };
      } else if (byte === COLON) {
        this.members += 1;
      } else if (isDigit(byte) || byte === MINUS) {
        at = this.number(at) - 1;
      } else if ((byte | CASE_BIT) === OPENING) {
        this.open(at, byte === OPENING_BRACKET);
      } else if ((byte | CASE_BIT) === CLOSING) {
        this.depth -= 1;
        if (this.depth < 0) this.exceeded = { limit: 'closings', at };
      }
      if (this.exceeded !== undefined) break;
    }
    this.at = Math.min(at, body.length);
    this.inString = inString;
    return this.exceeded === undefined && this.at < body.length;
  }

  private open(at: number, isArray: boolean): void {
    this.brackets += 1;
    this.depth += 1;
    this.counts[this.depth] = 0;
    this.maxCounts[this.depth] = isArray ? this.limits.elements : this.limits.members;
    if (this.depth > this.limits.depth) this.exceeded = { limit: 'depth', at };
  }

  private limitName(): keyof JsonLimits {
    return this.maxCounts[this.depth] === this.limits.members ? 'members' : 'elements';
  }

  private number(start: number): number {
    const { body } = this;
    const end = endOfNumber(body, start);
    if (end - start > ALWAYS_EXACT_LENGTH || hasExponent(body, start, end)) {
      this.suspectNumbers += 1;
      this.onSuspectNumber?.(start, end);
    }
    return end;
  }
}

/** The end of the run of characters that can occur in a number. The run is not always a valid number. */
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

/**
 * Overwrites each inexact number with `1e999`, padded with spaces. JSON.parse reads it as `Infinity`, and all byte offsets stay
 * the same. Every inexact number is long enough for this. Invalid numbers are not changed, so that the parser rejects them.
 */
export function replaceInexactNumbers(text: Buffer): void {
  const scanner = new JsonScanner(text, undefined, (start, end) => {
    const token = text.toString('latin1', start, end);
    if (isExactNumber(token) === false)
      text.fill(' ', start, end).write(token.startsWith('-') ? '-1e999' : '1e999', start);
  });
  scanner.advance(text.length);
}
