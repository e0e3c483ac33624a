import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Context,
  createTraceState,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Settings } from '#libs/config';
import { readVersion } from './build.info';
import type { RemoteParent, RequestTrace, Span, SpanAttributes } from './span';
import { BoundedSpanProcessor } from './span.processor';
import type { LossListener } from './span.loss';

type OpenTelemetrySettings = Pick<
  Settings,
  'otelExporterOtlpHeaders' | 'otelServiceName' | 'otelTracesSampler' | 'otelTracesSamplerArg'
>;

/** How long a shutdown waits for the export of the last spans. */
const SHUTDOWN_MS = 2_000;
const EXPORT_TIMEOUT_MS = 10_000;
const SPAN_KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT };

/** Records and exports spans. The only file that imports OpenTelemetry; it is loaded only if traces are enabled. */
export class OpenTelemetry {
  private readonly processor: BoundedSpanProcessor;
  private readonly tracer: Tracer;

  /** @param endpoint the base URL of the collector */
  constructor(endpoint: string, settings: OpenTelemetrySettings, onLoss: LossListener) {
    const exporter = new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      headers: settings.otelExporterOtlpHeaders ?? {},
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.processor = new BoundedSpanProcessor(exporter, onLoss);
    const version = readVersion();
    const provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.name': settings.otelServiceName,
        'service.version': version,
        'service.instance.id': randomUUID(),
        'host.name': hostname(),
      }),
      sampler: createSampler(settings),
      spanProcessors: [this.processor],
    });
    this.tracer = provider.getTracer('prism-gateway', version);
  }

  startRequest(name: string, parent: RemoteParent, attributes: SpanAttributes): RequestTrace {
    const context = parentContext(parent);
    const span = this.tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, context);
    const { traceId, spanId, traceFlags: flags } = span.spanContext();
    const recorded = span.isRecording() ? new RecordedSpan(this.tracer, span, context) : undefined;
    return { traceId, spanId, flags, span: recorded };
  }

  /** Exports the remaining spans, for two seconds at most. Never rejects. */
  async close(): Promise<void> {
    await Promise.race([this.processor.shutdown(), sleep(SHUTDOWN_MS, undefined, { ref: false })]);
  }
}

class RecordedSpan implements Span {
  private readonly context: Context;

  constructor(
    private readonly tracer: Tracer,
    private readonly span: OtelSpan,
    parent: Context,
  ) {
    this.context = trace.setSpan(parent, span);
  }

  get spanId(): string {
    return this.span.spanContext().spanId;
  }

  child(name: string, kind: 'internal' | 'client', attributes: SpanAttributes): Span {
    const span = this.tracer.startSpan(name, { kind: SPAN_KINDS[kind], attributes }, this.context);
    return new RecordedSpan(this.tracer, span, this.context);
  }

  set(attributes: SpanAttributes): void {
    this.span.setAttributes(attributes);
  }

  fail(type: string): void {
    this.span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    this.span.end();
  }
}

function parentContext({ context, state }: RemoteParent): Context {
  if (context === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = context;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: flags,
    isRemote: true,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  });
}

function createSampler({ otelTracesSampler, otelTracesSamplerArg }: OpenTelemetrySettings): Sampler {
  const parentBased = otelTracesSampler.startsWith('parentbased_');
  const root = createRootSampler(otelTracesSampler, otelTracesSamplerArg);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}

function createRootSampler(name: OpenTelemetrySettings['otelTracesSampler'], ratio: number): Sampler {
  if (name.endsWith('traceidratio')) return new TraceIdRatioBasedSampler(ratio);
  return name.endsWith('always_on') ? new AlwaysOnSampler() : new AlwaysOffSampler();
}
