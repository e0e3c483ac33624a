import { Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Settings } from '#libs/config';
import { LineLimiter } from '#libs/errors';
import type { SpanLoss } from './metric.labels';
import type { Metrics } from './metrics';
import type { OpenTelemetry } from './open.telemetry';
import type { RemoteParent, RequestTrace, SpanAttributes } from './span';

/** Traces of requests, sent to a collector. Off unless the settings name one: then nothing of OpenTelemetry is loaded. */
export class Tracing implements OnApplicationShutdown {
  private constructor(private readonly telemetry: OpenTelemetry | undefined) {}

  static async open(settings: Settings, metrics: Metrics): Promise<Tracing> {
    const { otelExporterOtlpEndpoint: endpoint } = settings;
    if (endpoint === undefined) return new Tracing(undefined);
    metrics.enableExemplars();
    const report = lossReport(metrics, new Logger(Tracing.name));
    const { OpenTelemetry } = await import('./open.telemetry.js');
    return new Tracing(new OpenTelemetry(endpoint, settings, report));
  }

  get on(): boolean {
    return this.telemetry !== undefined;
  }

  /** Begins the span of a request; undefined if tracing is off. */
  begin(name: string, parent: RemoteParent, attributes: SpanAttributes): RequestTrace | undefined {
    return this.telemetry?.begin(name, parent, attributes);
  }

  /** Sends what is left, for two seconds at most. */
  async onApplicationShutdown(): Promise<void> {
    await this.telemetry?.close();
  }
}

/** Counts spans that were lost, and says so now and then. */
function lossReport(metrics: Metrics, logger: Logger): (reason: SpanLoss, spans: number, error?: Error) => void {
  const limiter = new LineLimiter((kind, repeated, intervalMs) => {
    logger.warn({ message: `spans were lost: ${kind}`, repeated, interval_ms: intervalMs });
  });
  return (reason, spans, error) => {
    metrics.countLostSpans(reason, spans);
    if (!limiter.admits(reason)) return;
    // Of the error no more than its message: it may hold what the collector answered.
    logger.warn({ message: `spans were lost: ${reason}`, spans, error: error?.message });
  };
}
