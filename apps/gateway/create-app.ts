import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { ApiKeyService, AuthMetrics, registerAuthentication } from '#libs/auth';
import type { Settings } from '#libs/config';
import { Admission, RateLimiter } from '#libs/limits';
import { RecordsMetrics } from '#libs/records';
import { createLogger, Tracing } from '#libs/telemetry';
import { AppModule } from './app.module';
import { ApiDocument } from './docs/api.document';
import { registerAdmission, registerPermits } from './http/admission.hook';
import { registerConnectionRules } from './http/connection.hook';
import { registerDeadline, registerDeadlineCheck } from './http/deadline.hook';
import { registerHeaderLimit } from './http/header.limit';
import { HttpMetrics } from './http/http.metrics';
import { registerJsonBodyReader } from './http/json-body.reader';
import { Lifecycle } from './http/lifecycle';
import { registerRateLimits } from './http/rate-limit.hook';
import { registerObserver } from './http/request.observer';
import { registerTargetCheck } from './http/request-target';
import { registerRouteCheck } from './http/routes.hook';
import { registerSecurityHeaders } from './http/security.headers';
import { createHttpServer } from './http/server.factory';
import { StartLogger } from './start.logger';

/** Builds the gateway, ready to listen: connected to nothing that it could do without, with its document made. */
export async function createApp(
  settings: Settings,
  logger: Logger = createLogger(settings.logLevel),
): Promise<NestFastifyApplication> {
  const lifecycle = new Lifecycle();
  const { fastify, connections } = createHttpServer(settings);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.of(settings, connections, lifecycle),
    new FastifyAdapter(fastify),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class and means an interface
    { bodyParser: false, logger: new StartLogger(logger), abortOnError: false },
  );
  const metrics = app.get(HttpMetrics);
  connections.refused = (status): void => {
    metrics.countRequest('', undefined, status, 0);
  };
  connections.cut = (reason): void => {
    metrics.countConnectionCut(reason);
  };
  connections.failed = (error): void => {
    logger.error({ err: error }, 'a request could not be handled');
  };

  // In this order: what a request has wrong is answered by the first of these that finds it.
  const admission = app.get(Admission);
  registerObserver(fastify, metrics, app.get(Tracing), logger);
  registerPermits(fastify, admission, app.get(RecordsMetrics));
  registerSecurityHeaders(fastify);
  registerDeadline(fastify, settings.requestTimeoutMs);
  registerConnectionRules(fastify, lifecycle);
  registerAuthentication(fastify, app.get(ApiKeyService), app.get(AuthMetrics));
  registerTargetCheck(fastify);
  registerHeaderLimit(fastify);
  registerRouteCheck(fastify);
  registerDeadlineCheck(fastify);
  registerAdmission(fastify, admission);
  registerRateLimits(fastify, app.get(RateLimiter));
  registerJsonBodyReader(fastify);

  await app.init();
  app.get(ApiDocument).generate(app);
  return app;
}
