export { createLogger, requestLogger } from './logger';
export { methodLabel, RATE_UNITS } from './metric.labels';
export type {
  AdmissionStage,
  AuthFailureReason,
  CpuStage,
  ConnectionCut,
  ItemOutcome,
  MetricOperation,
  RateUnit,
  ShedReason,
} from './metric.labels';
export { Metrics } from './metrics';
export { metricsReference } from './metrics.reference';
export { readVersion } from './build.info';
export { MetricsServer, type Readiness } from './metrics.server';
export { NestLogger } from './nest.logger';
export { ProcessMetrics } from './process.metrics';
export { RequestLogContext } from './request-log.context';
export type { RequestTrace, Span, SpanAttributes } from './span';
export { TelemetryModule, WorkerTelemetryModule } from './telemetry.module';
export { WorkerMetrics } from './worker.metrics';
export { type TraceContext, traceContextOf, traceparentOf } from './trace.context';
export { Tracing } from './tracing';
