import { deflateSync, inflateSync } from 'node:zlib';

/** A finished answer, as it is sent to every retry of its request. */
export interface KeptAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const FORMAT = 1;
/** A longer answer would strain the time budget of Redis; its replays come from the ledger. */
const MAX_CHARACTERS = 1_048_576;
/** Of UTF-8 in one of the characters above. */
const MAX_BYTES_PER_CHARACTER = 3;
/** The fastest: on an answer of 40 KB it takes 80 us and leaves an eighth; what higher levels save is not worth their time. */
const LEVEL = 1;

/** Packs an answer for Redis: compressed, with a checksum. Undefined if it is too long to keep. */
export function packAnswer({ status, headers, body }: KeptAnswer): Buffer | undefined {
  const head = JSON.stringify({ format: FORMAT, status, headers });
  const text = `${head}\n${body}`;
  return text.length > MAX_CHARACTERS ? undefined : deflateSync(text, { level: LEVEL });
}

/** Undefined if these bytes are not what `packAnswer` of this version made: damaged, or written by another version. */
export function unpackAnswer(packed: Buffer): KeptAnswer | undefined {
  let text: string;
  try {
    text = inflateSync(packed, { maxOutputLength: MAX_CHARACTERS * MAX_BYTES_PER_CHARACTER }).toString();
  } catch {
    return undefined;
  }
  const end = text.indexOf('\n');
  const head = parseHead(text.slice(0, Math.max(end, 0)));
  return head && { ...head, body: text.slice(end + 1) };
}

function parseHead(json: string): Omit<KeptAnswer, 'body'> | undefined {
  let head: unknown;
  try {
    head = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof head !== 'object' || head === null) return undefined;
  const { format, status, headers } = head as Partial<Record<string, unknown>>; // a JSON object has no other members
  if (format !== FORMAT || typeof status !== 'number') return undefined;
  return isHeaders(headers) ? { status, headers } : undefined;
}

function isHeaders(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((item) => typeof item === 'string');
}
