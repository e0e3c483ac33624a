import { isUtf8 } from 'node:buffer';
import { type JsonLimits, JsonScanner } from './json.scan';
import { invalidJson, SlicedJsonParser } from './json.slices';

/** Far more than requests need, few enough that going through one object or array takes milliseconds. */
const LIMITS: JsonLimits = { depth: 32, members: 10_000, elements: 100_000 };
/** What is scanned and parsed at a time: each takes a millisecond or two at most. */
const SCAN_BYTES = 262_144;
const SLICE_BYTES = 32_768;

/** Reads a JSON body in two passes of many steps each, so that a large one does not block the event loop: scan it, then parse it. */
export class JsonBodyParser {
  private readonly scanner: JsonScanner;
  private slices: SlicedJsonParser | undefined;

  /** @param body numbers in it are overwritten by `parse` */
  constructor(private readonly body: Buffer) {
    this.scanner = new JsonScanner(body, LIMITS);
  }

  /** An estimate of what the value takes on the heap, once the body is scanned; rather too high than too low. */
  get heapBytes(): number {
    return this.scanner.heapBytes;
  }

  /**
   * The value, once the body is parsed; undefined if it is empty, which is fine where no body is needed. No key of it reaches a
   * prototype. A number that a double does not hold exactly is `Infinity` or `-Infinity`, which JSON cannot express otherwise
   * and every check of values refuses.
   */
  get value(): unknown {
    return this.slices?.value;
  }

  /**
   * Scans the next part.
   *
   * @returns whether there is more to scan
   * @throws RequestError `invalid_json` if the body exceeds a limit
   */
  scan(): boolean {
    const hasMore = this.scanner.advance(SCAN_BYTES);
    const { exceeded } = this.scanner;
    if (exceeded !== undefined) throw invalidJson(`The body ${MESSAGES[exceeded.limit]}, at byte ${exceeded.at}.`);
    return hasMore;
  }

  /**
   * Parses the next slice; call it after the scan.
   *
   * @returns whether there is more to parse
   * @throws RequestError `invalid_json`; the message says what and where, and repeats nothing of the body
   */
  parse(): boolean {
    if (this.body.length === 0) return false;
    if (this.slices === undefined) {
      if (!isUtf8(this.body)) throw invalidJson('The body is not UTF-8 text.');
      this.slices = new SlicedJsonParser(this.body, SLICE_BYTES, this.scanner.suspectNumbers > 0);
    }
    return this.slices.advance();
  }
}

const MESSAGES: Readonly<Record<keyof JsonLimits, string>> = {
  depth: `is nested deeper than ${LIMITS.depth} levels`,
  members: `has an object with more than ${LIMITS.members} members`,
  elements: `has an array with more than ${LIMITS.elements} elements`,
};
