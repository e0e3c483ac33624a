import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Lifecycle } from './lifecycle';

/** How long the rest of a body is read and dropped after its answer has left, in milliseconds. */
const LINGER_MS = 5_000;

/**
 * Decides what becomes of the connection after each answer.
 *
 * A connection that is closed with bytes unread is reset, and the reset can overtake an answer that left before the whole
 * body had arrived (401, 413). Such a connection is kept until the body has come to its end, so that every caller can
 * read the answer.
 */
export function registerConnectionRules(fastify: FastifyInstance, lifecycle: Lifecycle): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const closes = lifecycle.draining || !reply.raw.shouldKeepAlive;
    if (bodyIsUnderWay(request.raw)) {
      // Node closes at the end of the answer unless it says this.
      reply.header('connection', 'keep-alive');
      linger(request.raw, closes);
    } else if (closes) {
      reply.header('connection', 'close');
    } else {
      // Fastify closes after any fault of a body; one that has arrived in full leaves the connection in order.
      reply.removeHeader('connection');
    }
    done(null, payload);
  });
}

function bodyIsUnderWay({ complete, headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return !complete && (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0'));
}

function linger(request: IncomingMessage, closes: boolean): void {
  const { socket } = request;
  const timer = setTimeout(() => {
    socket.destroy();
  }, LINGER_MS);
  request.once('end', () => {
    if (closes) socket.end();
  });
  request.once('close', () => {
    clearTimeout(timer);
  });
}
