import type { TraceContext } from './trace.context';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/**
 * A piece of work in a trace. Its name, and the values of its attributes, are words of the program, counts and the ids of
 * who called: never a key, a value, or the id of a record.
 */
export interface Span {
  readonly spanId: string;
  /** @param kind `client`: the work is done by another process, which is asked for it */
  child(name: string, kind: 'internal' | 'client', attributes: SpanAttributes): Span;
  set(attributes: SpanAttributes): void;
  /** Marks it as failed. @param type of a closed set, for its message may hold anything */
  fail(type: string): void;
  end(): void;
}

/** A span of a trace, as W3C Trace Context identifies it. */
export interface SpanPosition {
  readonly traceId: string;
  readonly spanId: string;
}

/** Where in which trace a request is that was let in, and the span to hang its work on. */
export interface RequestTrace extends TraceContext {
  /** Undefined if this trace is not recorded. */
  readonly span: Span | undefined;
}

/** Who called, as its headers say. */
export interface RemoteParent {
  readonly context: TraceContext | undefined;
  /** Its `tracestate`. */
  readonly state: string | undefined;
}
