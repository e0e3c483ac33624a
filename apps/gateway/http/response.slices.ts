import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';

/** What is written to a socket at a time: the kernel copies so much in less than a millisecond. */
const SLICE_BYTES = 131_072;

/**
 * Sends large responses in slices, with a turn of the event loop after each and no faster than the client reads: one write
 * of many megabytes blocks the event loop for as long as the kernel copies them. Call it after the other hooks.
 */
export function registerSlicedResponses(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (typeof payload !== 'string' || payload.length <= SLICE_BYTES || request.method === 'HEAD') {
      done(null, payload);
      return;
    }
    const bytes = Buffer.from(payload);
    reply.header('content-length', bytes.byteLength);
    done(null, Readable.from(slicesOf(bytes)));
  });
}

async function* slicesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
    await nextTurn();
  }
}
