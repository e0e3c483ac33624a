import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import {
  formatTraceparent,
  requestLogger,
  type RequestTrace,
  type SpanAttributes,
  type TraceContext,
  type Tracing,
} from '#libs/telemetry';
import { type HttpMetrics, methodLabel, routeOf } from './http.metrics';

/** The status of a request whose client disconnected before the response: none was sent. */
const CLIENT_DISCONNECTED = 499;
/** The value of OpenTelemetry's semantic conventions for an unknown method. */
const OTHER_METHOD = '_OTHER';
/** From the draft of W3C Trace Context, Level 3. */
const TRACE_HEADER = 'traceresponse';

/**
 * Sets `x-request-id` on every response; counts, times, traces and logs every request when it ends. Call it right after
 * `registerRequestContext`, and before routes are added.
 */
export function registerObserver(fastify: FastifyInstance, metrics: HttpMetrics, logger: Logger): void {
  const lines = requestLogger(logger);
  fastify.addHook('onRoute', ({ method, url }) => {
    if (url.startsWith('/v2/prism/')) for (const each of [method].flat()) metrics.startAtZero(each, url);
  });
  fastify.addHook('onRequest', (request, reply, done) => {
    const startedAt = performance.now();
    reply.header('x-request-id', request.id);
    reply.raw.once('close', () => {
      observe(request, reply, performance.now() - startedAt);
    });
    done();
  });

  function observe(request: FastifyRequest, reply: FastifyReply, durationMs: number): void {
    const route = routeOf(request);
    const responded = reply.raw.writableFinished;
    const status = responded ? reply.raw.statusCode : CLIENT_DISCONNECTED;
    const { principal, log } = request.requestContext;
    metrics.recordRequest(request.method, route, status, durationMs / 1000, principal?.clientName, log.spanContext);
    endTrace(request, reply, responded);
    // Health checks arrive every few seconds.
    const level = route?.startsWith('/health/') === true ? 'debug' : 'info';
    if (lines.isLevelEnabled(level)) lines[level](requestLine(request, reply, status, durationMs), 'request');
  }
}

/**
 * The log line of a request. docs/logging.md describes its members. It contains no values and keys that the client
 * sent, except the request id.
 */
function requestLine(request: FastifyRequest, reply: FastifyReply, status: number, durationMs: number): object {
  const { principal, log } = request.requestContext;
  return {
    request_id: request.id,
    trace_id: log.traceId,
    span_id: log.span?.spanId,
    team_id: principal?.teamId,
    client_id: principal?.clientId,
    client: principal?.clientName,
    method: methodLabel(request.method),
    route: routeOf(request),
    status,
    code: reply.errorCode,
    duration_ms: rounded(durationMs),
    admission_ms: rounded(log.admissionMs),
    wait_ms: rounded(log.waitMs),
    database_ms: rounded(log.databaseMs),
    items: log.items,
    failed: log.failed,
    replayed: reply.hasHeader('idempotent-replay') || undefined,
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/**
 * Starts the span of a request, in the caller's trace or in a new one, and sends its ids as `traceresponse`.
 *
 * @returns undefined if tracing is off, and for health checks, which arrive every few seconds
 */
export function beginTrace(
  tracing: Tracing,
  request: FastifyRequest,
  reply: FastifyReply,
  caller: TraceContext | undefined,
): RequestTrace | undefined {
  const route = routeOf(request);
  if (!tracing.enabled || route?.startsWith('/health/') === true) return undefined;
  const method = methodLabel(request.method);
  const { tracestate } = request.headers;
  const trace = tracing.startRequest(
    [method === 'other' ? 'HTTP' : method, route].filter((part) => part !== undefined).join(' '),
    { context: caller, state: typeof tracestate === 'string' ? tracestate : undefined },
    {
      'http.request.method': method === 'other' ? OTHER_METHOD : method,
      'url.scheme': request.protocol,
      'network.protocol.version': request.raw.httpVersion,
      ...(route !== undefined && { 'http.route': route }),
    },
  );
  if (trace) reply.header(TRACE_HEADER, formatTraceparent(trace));
  return trace;
}

/** @param responded whether the response was sent before the client disconnected */
function endTrace({ requestContext }: FastifyRequest, reply: FastifyReply, responded: boolean): void {
  const { principal, log } = requestContext;
  const { span } = log;
  if (span === undefined) return;
  const attributes: Record<string, SpanAttributes[string]> = {
    'prism.wait_ms': log.waitMs,
    'prism.database_ms': log.databaseMs,
  };
  if (principal !== undefined) {
    attributes['prism.team_id'] = principal.teamId;
    attributes['prism.client_id'] = principal.clientId;
    attributes['prism.client'] = principal.clientName;
  }
  if (reply.errorCode !== undefined) attributes['prism.code'] = reply.errorCode;
  const status = reply.raw.statusCode;
  if (!responded) attributes['prism.canceled'] = true;
  else {
    attributes['http.response.status_code'] = status;
    if (status >= 500) span.fail(String(status));
  }
  span.set(attributes);
  span.end();
}
