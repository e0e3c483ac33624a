import { Global, Module } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Metrics } from './metrics';
import { MetricsServer } from './metrics.server';
import { ProcessMetrics } from './process.metrics';
import { WorkerMetrics } from './worker.metrics';

/** Provides the gateway's `Metrics` everywhere, and the server of the admin port. */
@Global()
@Module({
  providers: [
    { provide: Metrics, inject: [Settings], useFactory: ({ metricsClients }: Settings) => new Metrics(metricsClients) },
    { provide: ProcessMetrics, useExisting: Metrics },
    MetricsServer,
  ],
  exports: [Metrics, ProcessMetrics, MetricsServer],
})
export class TelemetryModule {}

/** Provides `WorkerMetrics` everywhere, and the server of the admin port. */
@Global()
@Module({
  providers: [WorkerMetrics, { provide: ProcessMetrics, useExisting: WorkerMetrics }, MetricsServer],
  exports: [WorkerMetrics, ProcessMetrics, MetricsServer],
})
export class WorkerTelemetryModule {}
