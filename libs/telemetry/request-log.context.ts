import type { Span, SpanPosition } from './span';
import type { TraceContext } from './trace.context';

/** Enough to see what is wrong with a batch; its answer has the rest. */
const MAX_FAILURES = 5;

interface FailedItem {
  /** Its place in the request, from 0: `results[index]` is its outcome. */
  index: number;
  code: string;
}

/**
 * What there is to say of a request beyond its status: noted by those who do its work, and said when it is over. Nothing of
 * what the caller sent is ever noted: no value, no key.
 */
export class RequestLogContext {
  /** How long it waited to be admitted: for room for its body, and for its turn. In milliseconds, as are the others. */
  admissionMs = 0;
  /** How long its statements waited for a connection. */
  waitMs = 0;
  /** How long they then took. */
  databaseMs = 0;
  /** Of how many items each outcome became; undefined where no item was come to. */
  items: Record<string, number> | undefined;
  /** The first items that failed. */
  failed: FailedItem[] | undefined;
  readonly traceId: string | undefined;

  /**
   * @param trace that the request is in, if it is known
   * @param span of the request, for its work to hang its own on; undefined if it is not traced
   */
  constructor(
    trace?: TraceContext,
    readonly span?: Span,
  ) {
    this.traceId = trace?.traceId;
  }

  /** The span that shows this request; undefined if it is not traced. */
  get position(): SpanPosition | undefined {
    const { traceId, span } = this;
    return traceId === undefined || span === undefined ? undefined : { traceId, spanId: span.spanId };
  }

  countItems(outcome: string, items: number): void {
    this.items ??= {};
    this.items[outcome] = (this.items[outcome] ?? 0) + items;
  }

  /** Call it in the order of the items. */
  sampleFailure(index: number, code: string): void {
    this.failed ??= [];
    if (this.failed.length < MAX_FAILURES) this.failed.push({ index, code });
  }
}
