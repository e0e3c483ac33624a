import type { TraceContext } from './trace.context';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/**
 * A unit of work in a trace. Names and attribute values are constants of the program, counts, and ids of teams and clients:
 * never a key, a value or the id of a record.
 */
export interface Span {
  readonly spanId: string;
  /** Starts a child span. @param kind `client`: a call to another process */
  child(name: string, kind: 'internal' | 'client', attributes: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** Sets the status to error. @param type `error.type`, of a closed set: the message of an error may contain values. */
  fail(type: string): void;
  end(): void;
}

/** The ids of a span. */
export interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
}

/** The trace context of a request, and its span. */
export interface RequestTrace extends TraceContext {
  /** Undefined if the trace is not sampled. */
  readonly span: Span | undefined;
}

/** The trace headers of a request. */
export interface RemoteParent {
  readonly context: TraceContext | undefined;
  /** The `tracestate` header. */
  readonly state: string | undefined;
}
