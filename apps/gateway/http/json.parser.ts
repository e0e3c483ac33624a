import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser';
import { RequestError } from '#libs/errors';
import { replaceInexactNumbers } from './json.scanner';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

type Container = unknown[] | Record<string, unknown>;

/** An object or array that is open at the current position. */
interface Frame {
  readonly isArray: boolean;
  /** Byte offset in the body of its opening bracket. */
  readonly start: number;
  /** Byte offset of the first part of its text that is not yet in `value`. */
  from: number;
  /** Byte offset of the current member or element. */
  member: number;
  /** Set when the object or array turns out to be larger than one slice. */
  value: Container | undefined;
  /** Its key in the parent object; set together with `value`. */
  key: string | undefined;
  /** The current member is already in `value`: only white space may follow. */
  memberAdded: boolean;
}

/**
 * Parses a JSON text in slices, so that a large body does not block the event loop. JSON.parse gets slices of about
 * `sliceBytes`, cut at commas. Objects and arrays that are larger than a slice are assembled from their slices. The value is
 * the same as JSON.parse returns for the whole text, with two exceptions: a number that a double cannot represent exactly
 * becomes `Infinity` or `-Infinity`, and a key that could pollute a prototype is an error.
 */
export class SlicedJsonParser {
  value: unknown;
  private readonly frames: Frame[] = [];
  private at = 0;
  /** Byte offset of the text that is not parsed yet. */
  private sliceStart = 0;
  private root: Container | undefined;
  private rootEnd = 0;

  /**
   * @param body UTF-8; numbers in it are overwritten
   * @param hasSuspectNumbers whether it has numbers that a double may not represent exactly
   */
  constructor(
    private readonly body: Buffer,
    private readonly sliceBytes: number,
    private readonly hasSuspectNumbers: boolean,
  ) {}

  /**
   * Parses the next slice.
   *
   * @returns whether there is more; if not, `value` is set
   * @throws RequestError `invalid_json`; the message has the kind and the offset of the error, and no content of the body
   */
  advance(): boolean {
    const { body } = this;
    if (body.length <= this.sliceBytes) {
      this.finish();
      return false;
    }
    for (let at = this.at; at < body.length; at += 1) {
      const byte = body[at] ?? 0;
      if (byte === QUOTE) at = endOfString(body, at + 1);
      else if (byte === OPENING_BRACE || byte === OPENING_BRACKET) this.openFrame(at, byte === OPENING_BRACKET);
      else if (byte === CLOSING_BRACE || byte === CLOSING_BRACKET) this.closeFrame(at, byte === CLOSING_BRACKET);
      else if (byte === COMMA && this.endMember(at)) {
        this.at = at + 1;
        return true;
      }
    }
    this.finish();
    return false;
  }

  private openFrame(at: number, isArray: boolean): void {
    const next = at + 1;
    this.frames.push({
      isArray,
      start: at,
      from: next,
      member: next,
      value: undefined,
      key: undefined,
      memberAdded: false,
    });
  }

  private closeFrame(at: number, isArray: boolean): void {
    const frame = this.frames.pop();
    if (frame?.value === undefined) return; // it is parsed as part of a slice
    if (frame.isArray !== isArray) throw this.invalid(frame.isArray ? '] expected' : '} expected', at);
    this.addMembers(frame, at);
    if (frame.key === 'constructor' && Object.hasOwn(frame.value, 'prototype'))
      throw polluting('constructor.prototype');
    const parent = this.frames.at(-1);
    this.sliceStart = at + 1;
    if (parent === undefined) this.rootEnd = at + 1;
    else {
      parent.from = at + 1;
      parent.memberAdded = true;
    }
  }

  /** Ends the current member at a comma. @returns whether a slice was parsed */
  private endMember(at: number): boolean {
    const frame = this.frames.at(-1);
    if (frame === undefined) return false; // JSON.parse rejects it
    const isFull = at - this.sliceStart >= this.sliceBytes;
    if (isFull) this.materialize();
    if (isFull || frame.memberAdded) this.addMembers(frame, at);
    frame.member = at + 1;
    return isFull;
  }

  /** Creates the value of every open object and array, with the members before the current one. */
  private materialize(): void {
    let parent: Frame | undefined;
    for (const frame of this.frames) {
      if (frame.value === undefined) {
        frame.value = frame.isArray ? [] : {};
        if (parent !== undefined) this.attach(parent, frame, frame.value);
        else {
          this.parse(0, frame.start, 'blank');
          this.root = frame.value;
        }
      }
      parent = frame;
    }
  }

  /** Adds the members of `parent` before `frame`, and `frame` itself. */
  private attach(parent: Frame, frame: Frame, value: Container): void {
    if (parent.from < parent.member) this.assign(parent, this.parse(parent.from, parent.member - 1, parent));
    if (parent.isArray) {
      this.parse(parent.member, frame.start, 'blank');
      (parent.value as unknown[]).push(value);
    } else {
      // parse() has rejected the key `__proto__`.
      const [key = ''] = Object.keys(this.parse(parent.member, frame.start, 'key') as object);
      frame.key = key;
      (parent.value as Record<string, unknown>)[key] = value;
    }
    // All text of the parent before this frame is now parsed.
    parent.from = frame.start;
    parent.member = frame.start;
  }

  /** Adds the members up to `end` to the value of the frame. */
  private addMembers(frame: Frame, end: number): void {
    if (frame.memberAdded) this.parse(frame.from, end, 'blank');
    else this.assign(frame, this.parse(frame.from, end, frame));
    frame.memberAdded = false;
    frame.from = end + 1;
    this.sliceStart = end + 1;
  }

  private assign(frame: Frame, members: unknown): void {
    if (frame.isArray) {
      const values = frame.value as unknown[];
      for (const value of members as unknown[]) values.push(value);
    } else {
      Object.assign(frame.value as object, members);
    }
  }

  private finish(): void {
    const { body, root } = this;
    if (root === undefined) {
      this.value = this.parse(0, body.length, 'whole');
      return;
    }
    if (this.frames.length > 0) throw this.invalid('it ends too early', body.length);
    this.parse(this.rootEnd, body.length, 'blank');
    this.value = root;
  }

  /** Parses the text between two byte offsets, completed by the brackets that it had around it. */
  private parse(start: number, end: number, as: Frame | 'key' | 'blank' | 'whole'): unknown {
    if (this.hasSuspectNumbers) replaceInexactNumbers(this.body.subarray(start, end));
    const text = this.body.toString('utf8', start, end);
    if (as === 'blank') {
      const at = text.search(/[^ \t\r\n]/);
      if (at >= 0) throw this.invalid('a comma or bracket expected', start + at);
      return undefined;
    }
    const [before, after] = surroundingsOf(as);
    // With added brackets, an empty text would be parsed as an empty object or array.
    if (typeof as === 'object' && text.trim() === '') throw this.invalid('value expected', end);
    const json = before + text + after;
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      throw this.invalid(...this.syntaxError(json, start - before.length));
    }
    const key = findPollutingKey(value);
    if (key !== undefined) throw polluting(key);
    return value;
  }

  private syntaxError(json: string, offset: number): [what: string, at: number] {
    const errors: [what: string, at: number][] = [];
    const onError = (code: ParseErrorCode, at: number): void => {
      const text = printParseErrorCode(code).replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ');
      errors.push([text.toLowerCase(), offset + Buffer.byteLength(json.slice(0, at))]);
    };
    visit(json, { onError }, { disallowComments: true });
    return errors[0] ?? ['syntax error', Math.max(0, offset)];
  }

  private invalid(what: string, at: number): RequestError {
    return invalidJson(`The body is not JSON: ${what} at byte ${at}.`);
  }
}

/** The position of the quote that ends a string, or the end of the text. */
function endOfString(body: Buffer, start: number): number {
  let at = start;
  for (; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) break;
    if (byte === BACKSLASH) at += 1;
  }
  return at;
}

export function invalidJson(message: string): RequestError {
  return new RequestError('invalid_json', message);
}

function polluting(key: string): RequestError {
  return invalidJson(`The body holds a "${key}" key, which is not allowed.`);
}

function surroundingsOf(as: Frame | 'key' | 'whole'): [before: string, after: string] {
  if (as === 'whole') return ['', ''];
  if (as === 'key') return ['{', ' 0}']; // the space separates the 0 from the text before it
  return as.isArray ? ['[', ']'] : ['{', '}'];
}

/**
 * The first key that could pollute a prototype when `value` is merged into an object: `__proto__`, or `constructor` with a
 * `prototype`. JSON.parse creates them as ordinary keys. `value` is nested no deeper than the scanner allows.
 */
function findPollutingKey(value: unknown): '__proto__' | 'constructor.prototype' | undefined {
  if (!isContainer(value)) return undefined;
  if (Array.isArray(value)) return findInArray(value);
  for (const key in value) {
    if (key === '__proto__') return key;
    const member = value[key];
    if (!isContainer(member)) continue;
    if (key === 'constructor' && Object.hasOwn(member, 'prototype')) return 'constructor.prototype';
    const inside = findPollutingKey(member);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Separate from objects, because `for...in` over a long array takes ten times as long. */
function findInArray(values: readonly unknown[]): ReturnType<typeof findPollutingKey> {
  for (const value of values) {
    const inside = findPollutingKey(value);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

/** Whether the value is an object or an array. */
function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
