import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** How long the rest of a body is read and dropped after its response was sent, in milliseconds. */
const LINGER_MS = 5_000;

/** How far the shutdown of the process has got. No step can be undone. */
export class Lifecycle {
  private isDraining = false;
  private isClosing = false;

  /** Readiness fails. Requests are served as before. */
  get draining(): boolean {
    return this.isDraining;
  }

  /** New connections are refused, and every response closes its connection. */
  get closing(): boolean {
    return this.isClosing;
  }

  drain(): void {
    this.isDraining = true;
  }

  /** Call it when the process no longer listens: a client whose connection was closed before could connect here again. */
  close(): void {
    this.isDraining = true;
    this.isClosing = true;
  }
}

/**
 * Decides whether a connection is closed after a response.
 *
 * The kernel resets a connection that is closed with unread bytes, and the reset can discard a response that was sent before
 * the whole body had arrived (401, 413). Such a connection stays open until the end of the body.
 */
export function registerConnectionRules(fastify: FastifyInstance, lifecycle: Lifecycle): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const closes = lifecycle.closing || !reply.raw.shouldKeepAlive;
    if (isBodyArriving(request.raw)) {
      // Without this header, Node closes the connection after the response.
      reply.header('connection', 'keep-alive');
      linger(request.raw, closes);
    } else if (closes) {
      reply.header('connection', 'close');
    } else {
      // Fastify closes the connection after any error in a body, but one that has arrived completely does no harm.
      reply.removeHeader('connection');
    }
    done(null, payload);
  });
}

function isBodyArriving({ complete, headers }: IncomingMessage): boolean {
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
