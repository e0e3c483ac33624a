import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, type Settings } from '#libs/config';
import { DatabaseModule } from '#libs/database';
import { RetentionModule } from '#libs/idempotency';
import { ImportJobsModule } from '#libs/imports';
import { LookupBuilder, LookupMetrics } from '#libs/properties';
import { TelemetryModule } from '#libs/telemetry';
import { ImportLoop } from './import.loop';
import { LookupLoop } from './lookup.loop';
import { ReadinessCheck } from './readiness.check';
import { RetentionLoop } from './retention.loop';

/** Root module of the worker. */
@Module({})
export class WorkerModule {
  static of(settings: Settings): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        ConfigModule.of(settings),
        TelemetryModule,
        DatabaseModule.of(settings),
        RetentionModule,
        ImportJobsModule,
      ],
      providers: [RetentionLoop, LookupBuilder, LookupMetrics, LookupLoop, ImportLoop, ReadinessCheck],
    };
  }
}
