import { Global, Module } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Metrics } from './metrics';
import { MetricsServer } from './metrics.server';
import { ProcessMetrics } from './process.metrics';
import { Tracing } from './tracing';
import { WorkerMetrics } from './worker.metrics';

/** Provides the gateway's `Metrics` and its traces everywhere, and the server of the admin port. */
@Global()
@Module({
  providers: [
    {
      provide: Metrics,
      inject: [Settings],
      useFactory: ({ metricsMaxClients: metricsClients }: Settings) => new Metrics(metricsClients),
    },
    { provide: ProcessMetrics, useExisting: Metrics },
    { provide: Tracing, inject: [Settings, Metrics], useFactory: Tracing.open.bind(Tracing) },
    MetricsServer,
  ],
  exports: [Metrics, ProcessMetrics, Tracing, MetricsServer],
})
export class TelemetryModule {}

/** Provides `WorkerMetrics` everywhere, and the server of the admin port. */
@Global()
@Module({
  providers: [WorkerMetrics, { provide: ProcessMetrics, useExisting: WorkerMetrics }, MetricsServer],
  exports: [WorkerMetrics, ProcessMetrics, MetricsServer],
})
export class WorkerTelemetryModule {}
