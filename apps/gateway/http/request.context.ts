import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '#libs/auth';
import type { DatabaseMeter } from '#libs/database';
import type { Admission, Deadline, Quota } from '#libs/limits';
import type { BatchSummary, FailedItem } from '#libs/records';
import { parseTraceparent, type Span, type SpanContext, type TraceContext, type Tracing } from '#libs/telemetry';
import { deadlineOf } from './deadline.hook';
import { beginTrace } from './request.observer';
import { RequestPermits } from './request.permits';

declare module 'fastify' {
  interface FastifyRequest {
    /** The only state that the gateway adds to a request. Hooks fill it in; everything behind a controller gets arguments. */
    requestContext: RequestContext;
  }
}

/** Fields of the log line of a request besides its status. They contain no values and keys that the client sent. */
export class RequestLogContext implements DatabaseMeter {
  /** Time that the request waited for permits, in milliseconds as all durations here. */
  admissionMs = 0;
  /** Time that its statements waited for a connection. */
  waitMs = 0;
  /** Time that its statements held a connection. */
  databaseMs = 0;
  /** Item count per outcome; undefined if no item was processed. */
  items: BatchSummary['items'] | undefined;
  /** The first items that failed; undefined if none did. */
  failed: readonly FailedItem[] | undefined;
  readonly traceId: string | undefined;

  /**
   * @param trace the trace of the request, if it is known
   * @param span the span of the request; undefined if it is not traced
   */
  constructor(
    trace?: TraceContext,
    readonly span?: Span,
  ) {
    this.traceId = trace?.traceId;
  }

  /** The ids of the span of this request; undefined if it is not traced. */
  get spanContext(): SpanContext | undefined {
    const { traceId, span } = this;
    return traceId === undefined || span === undefined ? undefined : { traceId, spanId: span.spanId };
  }

  /** Sets the outcomes of the batch of this request. */
  setBatch({ items, failed }: BatchSummary): void {
    this.items = items;
    this.failed = failed.length === 0 ? undefined : failed;
  }
}

/** The state that the hooks of a request share with each other and with its controller. */
export class RequestContext {
  /** The caller, once it is authenticated; undefined outside of `/v2/prism`. */
  principal: Principal | undefined;
  /** Size of the request body; 0 if there is none, or it is not read yet. */
  bodyBytes = 0;
  /** Whether a response is being sent. */
  responding = false;
  /** Size of the response body before it is sent; 0 until then. */
  responseBytes = 0;
  /** Charges the request to the rate limits of its client; undefined before admission, or if the client has no limits. */
  quota: Quota | undefined;

  constructor(
    readonly deadline: Deadline,
    /** The permits that the request holds. */
    readonly permits: RequestPermits,
    /** Durations and item counts for the log line. */
    readonly log: RequestLogContext,
  ) {}
}

export interface RequestContextOptions {
  readonly admission: Admission;
  readonly tracing: Tracing;
  /** The longest time budget of a request. */
  readonly requestTimeoutMs: number;
  /** Called if the client disconnects before the handler of its request has begun. */
  readonly onDropped: (request: FastifyRequest) => void;
}

/** Gives every request its context. Call it before all other hooks. */
export function registerRequestContext(fastify: FastifyInstance, options: RequestContextOptions): void {
  fastify.decorateRequest('requestContext');
  fastify.addHook('onRequest', (request, reply, done) => {
    request.requestContext = contextOf(request, reply, options);
    done();
  });
}

function contextOf(request: FastifyRequest, reply: FastifyReply, options: RequestContextOptions): RequestContext {
  const { admission, tracing, requestTimeoutMs, onDropped } = options;
  const caller = parseTraceparent(request.headers.traceparent);
  const trace = beginTrace(tracing, request, reply, caller);
  const permits = new RequestPermits(admission, request, reply, () => {
    onDropped(request);
  });
  return new RequestContext(
    deadlineOf(request.headers, requestTimeoutMs),
    permits,
    new RequestLogContext(trace ?? caller, trace?.span),
  );
}
