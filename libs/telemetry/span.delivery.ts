import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import type { LossListener } from './span.loss';

/** Some 10 MiB: what a collector that is away or slow may cost. */
const MAX_HELD = 4_096;
const BATCH = 512;
const DELAY_MS = 1_000;

/**
 * Takes spans to the collector, many at a time and one time after the other, behind the back of the requests. It holds no
 * more than a bounded number of them; what comes on top, and what the collector does not take, is lost and counted.
 */
export class SpanDelivery implements SpanProcessor {
  private readonly batches: BatchSpanProcessor;
  /** Handed in and not yet delivered or lost. */
  private held = 0;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly onLoss: LossListener,
  ) {
    this.batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => {
          this.export(spans, done);
        },
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: MAX_HELD,
      maxExportBatchSize: BATCH,
      scheduledDelayMillis: DELAY_MS,
    });
  }

  onStart(): void {
    // A span is of interest when it has ended.
  }

  onEnd(span: ReadableSpan): void {
    if (this.held >= MAX_HELD) {
      this.onLoss('queue_full', 1);
      return;
    }
    this.held += 1;
    this.batches.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.batches.forceFlush();
  }

  /** Resolves when all that is held has been delivered or lost. Never rejects. */
  async shutdown(): Promise<void> {
    try {
      await this.batches.shutdown();
    } catch {
      // The listener was told of each batch that failed, and knows why.
    }
  }

  private export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      this.held -= spans.length;
      if (result.code === ExportResultCode.FAILED) this.onLoss('export_failed', spans.length, result.error);
      done(result);
    });
  }
}
