import type { FastifyReply, FastifyRequest } from 'fastify';
import { methodLabel } from './http.metrics';

/**
 * What the log says of a request that is over. Every member is named here and described in docs/logging.md: none holds a
 * value, a key, or anything else that a caller made up, but the id that it gave the request.
 */
export function requestLine(request: FastifyRequest, reply: FastifyReply, status: number, durationMs: number): object {
  const { principal, notes } = request;
  return {
    request_id: request.id,
    trace_id: notes.traceId,
    span_id: notes.span?.spanId,
    team_id: principal?.teamId,
    client_id: principal?.clientId,
    client: principal?.clientName,
    method: methodLabel(request.method),
    route: routeOf(request),
    status,
    code: reply.errorCode,
    duration_ms: rounded(durationMs),
    admission_ms: rounded(notes.admissionMs),
    wait_ms: rounded(notes.waitMs),
    database_ms: rounded(notes.databaseMs),
    items: notes.items,
    failed: notes.failed,
    replayed: reply.hasHeader('idempotent-replay') || undefined,
  };
}

/** The pattern of the route that serves a request; undefined if none does. */
export function routeOf(request: FastifyRequest): string | undefined {
  return request.is404 ? undefined : request.routeOptions.url;
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
