import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { LossListener } from './span.loss';

/** About 10 MiB: the memory that a slow or unavailable collector can cost. */
const MAX_PENDING_SPANS = 4_096;
const BATCH_SIZE = 512;
const EXPORT_INTERVAL_MS = 1_000;

/**
 * Exports spans in batches, in the background and one batch at a time. The number of pending spans is bounded; spans beyond it,
 * and spans whose export failed, are dropped and reported to `onLoss`.
 */
export class BoundedSpanProcessor implements SpanProcessor {
  private readonly processor: BatchSpanProcessor;
  /** The number of spans that are neither exported nor lost. */
  private pending = 0;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly onLoss: LossListener,
  ) {
    this.processor = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => {
          this.export(spans, done);
        },
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: MAX_PENDING_SPANS,
      maxExportBatchSize: BATCH_SIZE,
      scheduledDelayMillis: EXPORT_INTERVAL_MS,
    });
  }

  onStart(): void {
    // Only ended spans are exported.
  }

  onEnd(span: ReadableSpan): void {
    if (this.pending >= MAX_PENDING_SPANS) {
      this.onLoss('queue_full', 1);
      return;
    }
    this.pending += 1;
    this.processor.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.processor.forceFlush();
  }

  /** Resolves when every pending span is exported or lost. Never rejects. */
  async shutdown(): Promise<void> {
    try {
      await this.processor.shutdown();
    } catch {
      // `onLoss` was called for each batch that failed.
    }
  }

  private export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      this.pending -= spans.length;
      if (result.code === ExportResultCode.FAILED) this.onLoss('export_failed', spans.length, result.error);
      done(result);
    });
  }
}
