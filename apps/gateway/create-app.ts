import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { ApiKeyService, AuthMetrics } from '#libs/auth';
import type { Settings } from '#libs/config';
import { Admission, RateLimiter } from '#libs/limits';
import { RecordsMetrics } from '#libs/records';
import { createLogger, Tracing } from '#libs/telemetry';
import { AppModule } from './app.module';
import { ApiDocument } from './docs/api.document';
import { countDroppedItems, registerAdmission } from './http/admission.hook';
import { registerAuthentication } from './http/authentication.hook';
import { registerDeadline, registerDeadlineCheck } from './http/deadline.hook';
import { HttpMetrics } from './http/http.metrics';
import { registerJsonBodyReader } from './http/json-body.reader';
import { registerLargeResponses, registerResponseSize } from './http/large.response';
import { Lifecycle, registerConnectionRules } from './http/lifecycle';
import { registerRateLimits } from './http/rate-limit.hook';
import { registerRequestHeadCheck } from './http/request-head';
import { registerRequestContext } from './http/request.context';
import { registerObserver } from './http/request.observer';
import { registerRouteCheck } from './http/routes.hook';
import { registerSecurityHeaders } from './http/security.headers';
import { createHttpServer } from './http/server.factory';
import { StartLogger } from './start.logger';

/** Builds the gateway, ready to listen, with its OpenAPI document. Connects to neither Postgres nor Redis yet. */
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
  connections.onRejected = (status): void => {
    metrics.countUnparsed(status);
  };
  connections.onCut = (reason): void => {
    metrics.countConnectionCut(reason);
  };
  connections.onFailed = (error): void => {
    logger.error({ err: error }, 'a request could not be handled');
  };

  // The order matters: a request with several errors is rejected for the first one that a hook finds.
  const admission = app.get(Admission);
  const records = app.get(RecordsMetrics);
  registerRequestContext(fastify, {
    admission,
    tracing: app.get(Tracing),
    requestTimeoutMs: settings.requestTimeoutMs,
    onDropped: (request) => {
      countDroppedItems(request, records);
    },
  });
  registerObserver(fastify, metrics, logger);
  registerResponseSize(fastify);
  registerSecurityHeaders(fastify);
  registerDeadline(fastify);
  registerConnectionRules(fastify, lifecycle);
  registerAuthentication(fastify, app.get(ApiKeyService), app.get(AuthMetrics));
  registerRequestHeadCheck(fastify);
  registerRouteCheck(fastify);
  registerDeadlineCheck(fastify);
  registerAdmission(fastify, admission);
  registerRateLimits(fastify, app.get(RateLimiter));
  registerJsonBodyReader(fastify);
  registerLargeResponses(fastify);

  await app.init();
  app.get(ApiDocument).generate(app);
  return app;
}
