import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import type { Instruments } from './instruments';
import { LogLimiter } from './log.limiter';
import type { OpenTelemetry } from './open.telemetry';
import type { RemoteParent, RequestTrace, SpanAttributes } from './span';
import { type LossListener, SPAN_LOSS_REASONS } from './span.loss';

/** Traces of requests. Disabled if `OTEL_EXPORTER_OTLP_ENDPOINT` is unset; OpenTelemetry is then not loaded. */
export class Tracing implements OnApplicationShutdown {
  private constructor(private readonly telemetry: OpenTelemetry | undefined) {}

  static async open(settings: Settings, instruments: Instruments): Promise<Tracing> {
    const { otelExporterOtlpEndpoint: endpoint } = settings;
    const onLoss = lossListener(instruments, new Logger(Tracing.name));
    if (endpoint === undefined) return new Tracing(undefined);
    const { OpenTelemetry } = await import('./open.telemetry.js');
    return new Tracing(new OpenTelemetry(endpoint, settings, onLoss));
  }

  get enabled(): boolean {
    return this.telemetry !== undefined;
  }

  /** Starts the span of a request. Returns undefined if tracing is disabled. */
  startRequest(name: string, parent: RemoteParent, attributes: SpanAttributes): RequestTrace | undefined {
    return this.telemetry?.startRequest(name, parent, attributes);
  }

  /** Exports the remaining spans, for two seconds at most. */
  async onApplicationShutdown(): Promise<void> {
    await this.telemetry?.close();
  }
}

/** Counts lost spans, and logs them at a limited rate. */
function lossListener(instruments: Instruments, logger: Logger): LossListener {
  const lost = instruments.counter(
    'prism_trace_spans_lost_total',
    'Spans that did not reach the collector: too many were waiting to be exported, or the export failed.',
    { reason: SPAN_LOSS_REASONS },
  );
  for (const reason of SPAN_LOSS_REASONS) lost.inc({ reason }, 0);
  const limiter = new LogLimiter((kind, repeated, intervalMs) => {
    logger.warn({ message: `spans were lost: ${kind}`, repeated, interval_ms: intervalMs });
  });
  return (reason, spans, error) => {
    lost.inc({ reason }, spans);
    if (!limiter.admits(reason)) return;
    // The message only: the error may contain the response of the collector.
    logger.warn({ message: `spans were lost: ${reason}`, spans, error: error?.message });
  };
}
