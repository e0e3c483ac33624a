import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** Characters of a part. To encode and write one takes less than a millisecond. */
const PART_LENGTH = 131_072;

/**
 * Measures each response body, for the hooks after this one. A long text is measured in a later turn of the event loop: if it was
 * concatenated, V8 joins its pieces only when it is first read, which takes a while.
 */
export function registerResponseSize(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, _reply, payload, done) => {
    const { requestContext } = request;
    const measure = (): void => {
      requestContext.responseBytes = payloadBytes(payload);
      done(null, payload);
    };
    requestContext.responding = true;
    if (isLong(payload) && !requestContext.permits.closed) setImmediate(measure);
    else measure();
  });
}

/**
 * Sends a long body in parts, and serves other requests in between: Node would encode and write 16 MiB in one step of tens of
 * milliseconds. Register it after all other `onSend` hooks.
 */
export function registerLargeResponses(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { permits, responseBytes } = request.requestContext;
    // Nothing would read the parts after the connection is closed, and the request would never end.
    if (!isLong(payload) || permits.closed) {
      done(null, payload);
      return;
    }
    reply.header('content-length', responseBytes);
    // If the client disconnects, the handler would otherwise wait forever for the end of the response.
    reply.raw.once('close', () => reply.raw.end());
    // With those of the stream, a response has 11 listeners of its end. Node warns about a leak from 11 on.
    reply.raw.setMaxListeners(20);
    done(null, Readable.from(encodedParts(payload), { objectMode: false }));
  });
}

/** The text as UTF-8, in parts, each in a later turn of the event loop. */
export async function* encodedParts(text: string): AsyncGenerator<Buffer> {
  for (let start = 0; start < text.length;) {
    await nextTurn();
    const end = endOfPart(text, start + PART_LENGTH);
    yield Buffer.from(text.slice(start, end));
    start = end;
  }
}

function isLong(payload: unknown): payload is string {
  return typeof payload === 'string' && payload.length > PART_LENGTH;
}

/** The size of a response body in bytes. No route sends a stream. */
function payloadBytes(payload: unknown): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  return payload instanceof Uint8Array ? payload.byteLength : 0;
}

/** The end of a part, one further if it would split a surrogate pair. */
function endOfPart(text: string, end: number): number {
  const isHigh = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHigh ? end + 1 : end;
}
