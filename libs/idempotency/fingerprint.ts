import { createHash } from 'node:crypto';
import { parseUuid } from '#libs/json';
import { CanonicalJsonWriter } from './canonical-json';

/** The first byte that is hashed. It changes with the algorithm, so that fingerprints of two algorithms never match. */
const VERSION = Buffer.of(1);

/** The parts of a request that identify it: requests with the same fingerprint are attempts at one request. */
export interface FingerprintInput {
  readonly method: string;
  /** The request target as it is routed: a path that can be percent-decoded, and a query if there is one. */
  readonly url: string;
  /** The unchanged `If-Match` header; undefined without one. */
  readonly ifMatch: string | undefined;
  /** The parsed body; undefined without one. */
  readonly body: unknown;
}

/**
 * SHA-256 over a version byte, the method, the canonical path, the sorted query, `If-Match` and the body's canonical JSON.
 *
 * - Path: each segment is percent-decoded, a UUID written in lower case, and percent-encoded again. The value of
 *   `/by/{slug}/{value}` keeps its case: it need not be an id.
 * - Query: sorted by name; values of one name keep their order. Percent-encoding is normalized as in the path.
 * - `If-Match`: trimmed, otherwise unchanged: `"8"`, `W/"8"` and `*` are three conditions.
 * - Body: neither white space nor the order of members matters.
 *
 * None of them contains a line break, so no two requests share the text that is hashed.
 */
export class Fingerprint {
  private readonly hash = createHash('sha256').update(VERSION);
  private readonly writer: CanonicalJsonWriter | undefined;

  constructor({ method, url, ifMatch, body }: FingerprintInput) {
    const [path, query] = splitUrl(url);
    // The equals sign distinguishes an empty header from none.
    const condition = ifMatch === undefined ? '' : `=${ifMatch.trim()}`;
    this.hash.update(`${method}\n${canonicalPath(path)}\n${canonicalQuery(query)}\n${condition}\n`);
    if (body === undefined) return;
    this.writer = new CanonicalJsonWriter(body, (piece) => {
      this.hash.update(piece);
    });
  }

  /** Hashes the next piece of the body. @returns whether there is more to hash */
  advance(): boolean {
    return this.writer?.advance() ?? false;
  }

  /** The fingerprint, once the whole body is hashed. */
  digest(): Buffer {
    return this.hash.digest();
  }
}

/** Like the router, ends the path at a `#` too. */
function splitUrl(url: string): [path: string, query: string] {
  const end = url.search(/[?#]/);
  return end === -1 ? [url, ''] : [url.slice(0, end), url.slice(end + 1)];
}

function canonicalPath(path: string): string {
  const segments = path.split('/').map((segment) => (segment.includes('%') ? decodeURIComponent(segment) : segment));
  return segments
    .map((segment, index) => {
      const id = segments[index - 2] === 'by' ? undefined : parseUuid(segment);
      return encodeURIComponent(id ?? segment);
    })
    .join('/');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const parameters = new URLSearchParams(query);
  parameters.sort();
  return parameters.toString();
}
