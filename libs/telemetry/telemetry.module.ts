import { Global, Module } from '@nestjs/common';
import { Settings } from '#libs/config';
import { Instruments } from './instruments';
import { ProcessMetrics } from './process.metrics';
import { Tracing } from './tracing';

/** Provides the metrics registry and the metrics of the process. */
@Global()
@Module({
  providers: [Instruments, ProcessMetrics],
  exports: [Instruments, ProcessMetrics],
})
export class TelemetryModule {}

/** Provides `Tracing`. Requires the global `TelemetryModule`. */
@Global()
@Module({
  providers: [{ provide: Tracing, inject: [Settings, Instruments], useFactory: Tracing.open.bind(Tracing) }],
  exports: [Tracing],
})
export class TracingModule {}
