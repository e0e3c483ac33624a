import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { requestLogger, RequestLogContext, parseTraceparent, type Tracing } from '#libs/telemetry';
import type { HttpMetrics } from './http.metrics';
import { requestLine, routeOf } from './request.line';
import { beginTrace, endTrace } from './request.trace';

declare module 'fastify' {
  interface FastifyRequest {
    /** For whoever does the request's work to write into. */
    notes: RequestLogContext;
  }
}

/** What is noted for a request whose caller left before the answer: no status was sent. */
const CANCELED_CODES = 499;

/** Puts `x-request-id` on every answer; counts, times, traces and logs every request when it is over. Call it before other hooks and all routes. */
export function registerObserver(
  fastify: FastifyInstance,
  metrics: HttpMetrics,
  tracing: Tracing,
  logger: Logger,
): void {
  fastify.addHook('onRoute', ({ method, url }) => {
    if (url.startsWith('/v2/prism/')) for (const each of [method].flat()) metrics.expectRequests(each, url);
  });
  const lines = requestLogger(logger);
  fastify.decorateRequest('notes');
  fastify.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now();
    const caller = parseTraceparent(request.headers.traceparent);
    const trace = beginTrace(tracing, request, reply, caller);
    request.notes = new RequestLogContext(trace ?? caller, trace?.span);
    reply.header('x-request-id', request.id);
    reply.raw.once('close', () => {
      note(request, reply, performance.now() - startedAt);
    });
    done();
  });

  function note(request: FastifyRequest, reply: FastifyReply, durationMs: number): void {
    const route = routeOf(request);
    const responded = reply.raw.writableFinished;
    const status = responded ? reply.raw.statusCode : CANCELED_CODES;
    const { principal, notes } = request;
    metrics.countRequest(request.method, route, status, durationMs / 1000, principal?.clientName, notes.position);
    endTrace(request, reply, responded);
    // Probes come every few seconds for as long as the process lives.
    const level = route?.startsWith('/health/') === true ? 'debug' : 'info';
    if (lines.isLevelEnabled(level)) lines[level](requestLine(request, reply, status, durationMs), 'request');
  }
}
