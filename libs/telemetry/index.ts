export { createLogger } from './logger';
export type { AuthFailureReason, ItemOutcome } from './metric.labels';
export { Metrics } from './metrics';
export { metricsReference } from './metrics.reference';
export { MetricsServer, type Readiness } from './metrics.server';
export { NestLogger } from './nest.logger';
export { ProcessMetrics } from './process.metrics';
export { TelemetryModule, WorkerTelemetryModule } from './telemetry.module';
export { WorkerMetrics } from './worker.metrics';
