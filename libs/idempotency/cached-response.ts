import { deflateSync, inflateSync } from 'node:zlib';

/** The response of a completed request, as it is sent to every retry. */
export interface CachedResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const FORMAT = 1;
/** To compress this much takes a few milliseconds of the event loop. Replays of a longer response come from the ledger. */
const MAX_CHARACTERS = 262_144;
/** UTF-8 bytes of one of the characters above. */
const MAX_BYTES_PER_CHARACTER = 3;
/** The fastest: it compresses a response of 40 KB to an eighth in 80 us. Higher levels save too little for their time. */
const COMPRESSION_LEVEL = 1;

/** The statuses of executed requests. */
const STATUSES: ReadonlySet<unknown> = new Set([200, 201, 202, 404, 409, 412, 413]);
/** The headers that replays repeat, with the valid values of each. */
const HEADERS: ReadonlyMap<string, RegExp> = new Map([
  ['content-type', /^application\/json; charset=utf-8$/],
  ['etag', /^"[\x21\x23-\x7e]{1,128}"$/],
  ['location', /^\/v2\/prism\/[\w./-]{1,256}$/],
  ['x-should-retry', /^(?:true|false)$/],
]);

/**
 * Packs a response for Redis: compressed, with a checksum.
 *
 * @returns undefined if the response is too long or `unpackResponse` would reject it: its replays come from the ledger
 */
export function packResponse({ status, headers, body }: CachedResponse): Buffer | undefined {
  if (!STATUSES.has(status) || !areValidHeaders(headers)) return undefined;
  const head = JSON.stringify({ format: FORMAT, status, headers });
  const text = `${head}\n${body}`;
  return text.length > MAX_CHARACTERS ? undefined : deflateSync(text, { level: COMPRESSION_LEVEL });
}

/**
 * Reads what `packResponse` of this version made. Redis is not trusted: a process that writes to it can forge a response, so that
 * only known statuses and known headers with valid values are taken from it.
 *
 * @returns undefined for anything else: damaged, forged, or written by another version
 */
export function unpackResponse(packed: Buffer): CachedResponse | undefined {
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

function parseHead(json: string): Omit<CachedResponse, 'body'> | undefined {
  let head: unknown;
  try {
    head = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof head !== 'object' || head === null) return undefined;
  const { format, status, headers } = head as Partial<Record<string, unknown>>; // a JSON object has no other members
  if (format !== FORMAT || typeof status !== 'number' || !STATUSES.has(status)) return undefined;
  return areValidHeaders(headers) ? { status, headers } : undefined;
}

function areValidHeaders(headers: unknown): headers is Record<string, string> {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return false;
  return Object.entries(headers).every(
    ([name, value]) => typeof value === 'string' && HEADERS.get(name)?.test(value) === true,
  );
}
