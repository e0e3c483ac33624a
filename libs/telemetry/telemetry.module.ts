import { Global, Module } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Instruments } from './instruments';
import { MetricsServer } from './metrics.server';
import { ProcessMetrics } from './process.metrics';
import { Tracing } from './tracing';

/** Provides the metrics registry, the metrics of the process, and the server of the admin port. */
@Global()
@Module({
  providers: [Instruments, ProcessMetrics, MetricsServer],
  exports: [Instruments, ProcessMetrics, MetricsServer],
})
export class TelemetryModule {}

/** Provides `Tracing`. Needs `TelemetryModule`. */
@Global()
@Module({
  providers: [{ provide: Tracing, inject: [Settings, Instruments], useFactory: Tracing.open.bind(Tracing) }],
  exports: [Tracing],
})
export class TracingModule {}
