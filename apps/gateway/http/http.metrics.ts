import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CLIENT_VALUES, ClientLabel } from '#libs/auth';
import { Settings } from '#libs/config';
import { Instruments, type SpanContext } from '#libs/telemetry';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'] as const;
type Method = (typeof METHODS)[number];

const CONNECTION_CUTS = ['unread', 'pipelining', 'too_many'] as const;
/** Why the server closes a connection before the client has read its responses. */
export type ConnectionCut = (typeof CONNECTION_CUTS)[number];

const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Few buckets, because each client has its own histogram. */
const CLIENT_SECONDS = [0.01, 0.05, 0.25, 1, 5];
const UNMATCHED = 'unmatched';
const ROUTE_VALUES = `the route's pattern, or \`${UNMATCHED}\``;
const STATUS_VALUES = 'the status code';

/** Metrics of HTTP requests and connections. */
@Injectable()
export class HttpMetrics {
  private readonly requests;
  private readonly requestSeconds;
  private readonly clientRequests;
  private readonly clientSeconds;
  private readonly connectionCuts;
  private readonly exemplars: boolean;

  constructor(
    instruments: Instruments,
    settings: Settings,
    private readonly clients: ClientLabel,
  ) {
    // Exemplars refer to exported traces.
    this.exemplars = settings.otelExporterOtlpEndpoint !== undefined;
    this.requests = instruments.counter(
      'prism_http_requests_total',
      'HTTP requests, by the status of the response; 499 if the client disconnected before it.',
      { method: METHODS, route: ROUTE_VALUES, status: STATUS_VALUES },
    );
    this.requestSeconds = instruments.histogram(
      'prism_http_request_duration_seconds',
      'Duration of an HTTP request, from its headers to the end of its response.',
      { method: METHODS, route: ROUTE_VALUES },
      REQUEST_SECONDS,
      { exemplars: this.exemplars },
    );
    this.clientRequests = instruments.counter('prism_client_requests_total', 'HTTP requests, by client.', {
      client: CLIENT_VALUES,
      status: STATUS_VALUES,
    });
    this.clientSeconds = instruments.batchHistogram(
      'prism_client_request_duration_seconds',
      'Duration of an HTTP request, by client.',
      { client: CLIENT_VALUES },
      CLIENT_SECONDS,
    );
    this.connectionCuts = instruments.counter(
      'prism_http_connections_cut_total',
      'Connections closed because the client did not read its responses (`unread`) or sent too many requests without waiting for responses (`pipelining`), or because `MAX_CONNECTIONS` were open (`too_many`).',
      { reason: CONNECTION_CUTS },
    );
    for (const reason of CONNECTION_CUTS) this.connectionCuts.inc({ reason }, 0);
  }

  /** Starts the server errors of a route at 0: a counter that first appears with its first error hides that error from `rate()`. */
  startAtZero(method: string, route: string): void {
    const labels = { method: methodLabel(method), route };
    for (const status of [500, 503]) this.requests.inc({ ...labels, status }, 0);
    this.requestSeconds.zero(labels);
  }

  /** Counts a request that the HTTP parser rejected: it has no method, route or duration. */
  countUnparsed(status: number): void {
    this.requests.inc({ method: methodLabel(''), route: UNMATCHED, status });
  }

  /**
   * @param route the pattern of the route, never the path; undefined if none matched
   * @param client the client's name; undefined if the request was not authenticated
   * @param span the span of the request; undefined if it is not traced
   */
  recordRequest(
    method: string,
    route: string | undefined,
    status: number,
    seconds: number,
    client?: string,
    span?: SpanContext,
  ): void {
    const labels = { method: methodLabel(method), route: route ?? UNMATCHED };
    this.requests.inc({ ...labels, status });
    if (this.exemplars) this.requestSeconds.observe({ labels, value: seconds, exemplarLabels: exemplarLabels(span) });
    else this.requestSeconds.observe(labels, seconds);
    if (client !== undefined) this.recordClientRequest(this.clients.of(client), status, seconds);
  }

  countConnectionCut(reason: ConnectionCut): void {
    this.connectionCuts.inc({ reason });
  }

  private recordClientRequest(client: string, status: number, seconds: number): void {
    this.clientRequests.inc({ client, status });
    this.clientSeconds.observe({ client }, [seconds]);
  }
}

/** The pattern of the route that serves a request; undefined if none does. */
export function routeOf(request: FastifyRequest): string | undefined {
  return request.is404 ? undefined : request.routeOptions.url;
}

/** The label of a method. Clients can send any method, so unknown ones share a label. */
export function methodLabel(method: string): Method {
  return METHODS.find((known) => known === method) ?? 'other';
}

function exemplarLabels(span: SpanContext | undefined): Record<string, string> {
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}
