import type { DatabaseMeter } from '#libs/database';
import type { BatchSummary, FailedItem } from '#libs/records';
import type { Span, SpanPosition, TraceContext } from '#libs/telemetry';

/** What the log line of a request says beyond its status. It never holds a value or a key that the client sent. */
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

  /** The position of the span of this request; undefined if it is not traced. */
  get position(): SpanPosition | undefined {
    const { traceId, span } = this;
    return traceId === undefined || span === undefined ? undefined : { traceId, spanId: span.spanId };
  }

  /** Notes the outcomes of the batch of this request. */
  setBatch({ items, failed }: BatchSummary): void {
    this.items = items;
    this.failed = failed.length === 0 ? undefined : failed;
  }
}
