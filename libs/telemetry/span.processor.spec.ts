import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace';
import { expect, it } from 'vitest';
import { BoundedSpanProcessor } from './span.processor';

const MAX_PENDING = 4_096;

interface Export {
  readonly spans: number;
  readonly end: (result: ExportResult) => void;
}

/** An exporter whose exports end when the test ends them. */
class ManualExporter {
  private readonly exports: Export[] = [];
  private waiting: ((next: Export) => void) | undefined;

  export(spans: ReadableSpan[], end: (result: ExportResult) => void): void {
    const started = { spans: spans.length, end };
    if (this.waiting) this.waiting(started);
    else this.exports.push(started);
    this.waiting = undefined;
  }

  /** Resolves when the next export starts. */
  async next(): Promise<Export> {
    return (
      this.exports.shift() ??
      new Promise((resolve) => {
        this.waiting = resolve;
      })
    );
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function start() {
  const exporter = new ManualExporter();
  const losses: [reason: string, spans: number, message?: string][] = [];
  const processor = new BoundedSpanProcessor(exporter, (reason, spans, error) => {
    losses.push(error === undefined ? [reason, spans] : [reason, spans, error.message]);
  });
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('test');
  const record = (spans: number): void => {
    for (let i = 0; i < spans; i += 1) tracer.startSpan('a span').end();
  };
  return { exporter, losses, processor, record };
}

it('drops and reports each span beyond 4,096 while the collector does not respond', () => {
  const { losses, record } = start();
  record(MAX_PENDING);
  expect(losses).toEqual([]);
  record(2);
  expect(losses).toEqual([
    ['queue_full', 1],
    ['queue_full', 1],
  ]);
});

it('reports the spans of a failed export and accepts as many again', async () => {
  const { exporter, losses, record } = start();
  record(MAX_PENDING);
  const { spans, end } = await exporter.next();
  end({ code: ExportResultCode.FAILED, error: new Error('no collector') });
  expect(losses).toEqual([['export_failed', spans, 'no collector']]);

  record(spans);
  expect(losses).toHaveLength(1);
  record(1);
  expect(losses[1]).toEqual(['queue_full', 1]);
});

it('exports the pending spans at shutdown, which does not reject if the export fails', async () => {
  const { exporter, losses, processor, record } = start();
  record(3);
  const stopped = processor.shutdown();
  const { spans, end } = await exporter.next();
  expect(spans).toBe(3);
  end({ code: ExportResultCode.FAILED });
  await expect(stopped).resolves.toBeUndefined();
  expect(losses).toEqual([['export_failed', 3]]);
});
