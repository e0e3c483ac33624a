import { type DynamicModule, Module } from '@nestjs/common';
import { AuthModule } from '#libs/auth';
import { ConfigModule, type Settings } from '#libs/config';
import { DatabaseModule } from '#libs/database';
import { TelemetryModule, TracingModule } from '#libs/telemetry';
import { BatchModule } from './batch/batch.module';
import { DocsModule } from './docs/docs.module';
import { HealthModule } from './health/health.module';
import type { Connections } from './http/connections';
import { HttpModule } from './http/http.module';
import type { Lifecycle } from './http/lifecycle';
import { ImportsApiModule } from './imports/imports-api.module';
import { PropertiesApiModule } from './properties/properties-api.module';
import { QueryModule } from './query/query.module';
import { ReceiptsModule } from './receipts/receipts.module';
import { RecordsApiModule } from './records/records-api.module';

/** The root module of the gateway. */
@Module({})
export class AppModule {
  static of(settings: Settings, connections: Connections, lifecycle: Lifecycle): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.of(settings),
        TelemetryModule,
        TracingModule,
        DatabaseModule.of(settings),
        AuthModule,
        HttpModule.of(connections, lifecycle),
        BatchModule,
        QueryModule,
        RecordsApiModule,
        ImportsApiModule,
        ReceiptsModule,
        PropertiesApiModule,
        HealthModule,
        DocsModule,
      ],
    };
  }
}
