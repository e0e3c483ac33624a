import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { RequestError } from '#libs/errors';
import { invalidJson, SlicedJsonParser } from './json.parser';
import { type ExceededLimit, type JsonLimits, JsonScanner } from './json.scanner';

/** Far more than requests need, and so few that iterating over one object or array takes milliseconds. */
const LIMITS: JsonLimits = { depth: 32, members: 10_000, elements: 100_000 };
/** Bytes that are scanned and parsed in one step: each takes a millisecond or two at most. */
const SCAN_BYTES = 262_144;
const SLICE_BYTES = 32_768;

const MESSAGES: Readonly<Record<ExceededLimit['limit'], string>> = {
  depth: `is nested deeper than ${LIMITS.depth} levels`,
  members: `has an object with more than ${LIMITS.members} members`,
  elements: `has an array with more than ${LIMITS.elements} elements`,
  closings: 'is not JSON: it closes a bracket that is not open',
};

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;

/** Scans, then parses a JSON body, each in many steps, so that a large one does not block the event loop. */
export class JsonBodyParser {
  private readonly scanner: JsonScanner;
  private slices: SlicedJsonParser | undefined;

  /** @param body numbers in it are overwritten by `parse` */
  constructor(private readonly body: Buffer) {
    this.scanner = new JsonScanner(body, LIMITS);
  }

  /** An upper estimate of the heap that the value takes, in bytes, once the body is scanned. */
  get heapBytes(): number {
    return this.scanner.heapBytes;
  }

  /**
   * The value, once the body is parsed; undefined if it is empty. It has no key that could pollute a prototype. A number that a
   * double cannot represent exactly is `Infinity` or `-Infinity`, which JSON cannot express and every validator rejects.
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
   * @throws RequestError `invalid_json`; the message has the kind and the offset of the error, and no content of the body
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

/** Reads bodies as UTF-8 JSON and rejects others with 415. */
export function registerJsonBodyReader(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (awaitsContinue(request)) reply.raw.writeContinue();
    done();
  });
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const { requestContext } = request;
    const { permits } = requestContext;
    requestContext.bodyBytes = body.length;
    const unreadable = encodingError(request);
    if (unreadable !== undefined) {
      done(unreadable);
      return;
    }
    const parser = new JsonBodyParser(body);
    const compute = (step: () => boolean, next: () => void): void => {
      permits.compute('parse', body.length, step, (error) => {
        if (error === undefined) next();
        else done(error);
      });
    };
    compute(
      () => parser.scan(),
      () => {
        permits.acquireHeap(heapOf(request, parser.heapBytes), (rejected) => {
          if (rejected !== undefined) {
            done(rejected);
            return;
          }
          compute(
            () => parser.parse(),
            () => {
              done(null, parser.value);
            },
          );
        });
      },
    );
  });
}

/** The heap that a request takes: its body, and its plan where that can be much larger. */
function heapOf({ routeOptions: { config, bodyLimit } }: FastifyRequest, bodyHeap: number): number {
  return bodyHeap + (config.planHeapOf?.(bodyHeap, bodyLimit) ?? 0);
}

function awaitsContinue(request: FastifyRequest): boolean {
  const { headers, routeOptions } = request;
  const willBeRead = Number(headers['content-length'] ?? 0) <= routeOptions.bodyLimit;
  return willBeRead && headers.expect?.toLowerCase() === '100-continue';
}

/** Fastify has checked the content type, but not its parameters. */
function encodingError({ headers }: FastifyRequest): RequestError | undefined {
  if ((headers['content-encoding']?.toLowerCase() ?? 'identity') !== 'identity') {
    return new RequestError('unsupported_media_type', 'The body must not be compressed: send no content-encoding.');
  }
  const charset = CHARSET.exec(headers['content-type'] ?? '')?.[1]?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') {
    return new RequestError('unsupported_media_type', 'The body must be UTF-8: send no other charset.');
  }
  return undefined;
}
