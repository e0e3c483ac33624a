import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  type RequestTrace,
  type SpanAttributes,
  type TraceContext,
  formatTraceparent,
  type Tracing,
} from '#libs/telemetry';
import { methodLabel, routeOf } from './http.metrics';

/** What OpenTelemetry's conventions call a method that is none of HTTP's. */
const OTHER_METHOD = '_OTHER';
/** Of the draft of W3C Trace Context, Level 3. */
const HEADER = 'traceresponse';

/**
 * Begins the span of a request, in the trace of its caller or in a new one, and sends its position as `traceresponse`.
 * Undefined if tracing is off, and for health checks, which come every few seconds.
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
  if (trace) reply.header(HEADER, formatTraceparent(trace));
  return trace;
}

/** @param responded whether the response was sent before the client disconnected */
export function endTrace({ requestContext }: FastifyRequest, reply: FastifyReply, responded: boolean): void {
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
