import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { type Metrics, requestLogger, RequestNotes, traceContextOf } from '#libs/telemetry';
import { requestLine, routeOf } from './request.line';

declare module 'fastify' {
  interface FastifyRequest {
    /** For whoever does the request's work to write into. */
    notes: RequestNotes;
  }
}

/** What is noted for a request whose caller left before the answer: no status was sent. */
const ABANDONED = 499;

/** Puts `x-request-id` on every answer; counts, times and logs every request when it is over. Call it before other hooks and all routes. */
export function registerObserver(fastify: FastifyInstance, metrics: Metrics, logger: Logger): void {
  fastify.addHook('onRoute', ({ method, url }) => {
    if (url.startsWith('/v2/prism/')) for (const each of [method].flat()) metrics.expectRequests(each, url);
  });
  const lines = requestLogger(logger);
  fastify.decorateRequest('notes');
  fastify.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now();
    request.notes = new RequestNotes(traceContextOf(request.headers.traceparent));
    reply.header('x-request-id', request.id);
    reply.raw.once('close', () => {
      note(request, reply, performance.now() - startedAt);
    });
    done();
  });

  function note(request: FastifyRequest, reply: FastifyReply, durationMs: number): void {
    const route = routeOf(request);
    const status = reply.raw.writableFinished ? reply.raw.statusCode : ABANDONED;
    metrics.countRequest(request.method, route, status, durationMs / 1000, request.principal?.clientName);
    // Probes come every few seconds for as long as the process lives.
    const level = route?.startsWith('/health/') === true ? 'debug' : 'info';
    if (lines.isLevelEnabled(level)) lines[level](requestLine(request, reply, status, durationMs), 'request');
  }
}
