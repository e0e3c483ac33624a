import 'reflect-metadata';
import type { Logger } from 'pino';
import type { Settings } from '#libs/config';
import { AdminServer, type Program, runProgram } from '#libs/program';
import { Instruments } from '#libs/telemetry';
import { createApp } from './create-app';
import { HealthService } from './health/health.service';
import { Connections } from './http/connections';
import { Lifecycle } from './http/lifecycle';
import { shutDown } from './shutdown';

async function start(settings: Settings, logger: Logger): Promise<Program> {
  const app = await createApp(settings, logger);
  const adminServer = new AdminServer(app.get(Instruments));
  const metricsPort = await adminServer.start(settings.metricsHost, settings.metricsPort);
  await app.listen(settings.port, settings.host);
  const address = app.getHttpServer().address();
  const port = typeof address === 'object' ? address?.port : settings.port;
  logger.info(
    { host: settings.host, port, metrics_host: settings.metricsHost, metrics_port: metricsPort },
    'listening',
  );
  // Logs a database that is unavailable or not migrated, even where nothing probes readiness.
  app
    .get(HealthService)
    .ready()
    .catch((error: unknown) => {
      logger.error({ err: error }, 'readiness could not be determined');
    });
  return {
    stop: async () => {
      await shutDown({
        drainDelayMs: settings.drainDelayMs,
        drainGraceMs: settings.drainGraceMs,
        requestTimeoutMs: settings.requestTimeoutMs,
        lifecycle: app.get(Lifecycle),
        connections: app.get(Connections),
        close: () => app.close(),
      });
      await adminServer.close();
    },
  };
}

runProgram(start);
