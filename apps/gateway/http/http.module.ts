import { type DynamicModule, Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AuthModule } from '#libs/auth';
import { ErrorFilter } from '#libs/errors';
import { IdempotencyModule } from '#libs/idempotency';
import { LimitsModule } from '#libs/limits';
import { HttpMetrics } from './http.metrics';
import { Connections } from './connections';
import { Lifecycle } from './lifecycle';
import { WriteHandler } from './write.handler';

/** The providers that the HTTP server and the controllers share. */
@Module({})
export class HttpModule {
  static of(connections: Connections, lifecycle: Lifecycle): DynamicModule {
    return {
      module: HttpModule,
      global: true,
      imports: [AuthModule, IdempotencyModule, LimitsModule],
      providers: [
        HttpMetrics,
        WriteHandler,
        { provide: APP_FILTER, useClass: ErrorFilter },
        { provide: Connections, useValue: connections },
        { provide: Lifecycle, useValue: lifecycle },
      ],
      exports: [Connections, Lifecycle, WriteHandler],
    };
  }
}
