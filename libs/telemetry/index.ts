export { createLogger } from './logger';
export type { AuthFailureReason, ItemOutcome } from './metric.labels';
export { Metrics } from './metrics';
export { metricsReference } from './metrics.reference';
export { MetricsServer } from './metrics.server';
export { NestLogger } from './nest.logger';
export { TelemetryModule } from './telemetry.module';
