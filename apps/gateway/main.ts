import 'reflect-metadata';
import { constants } from 'node:os';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Logger } from 'pino';
import { readSettings, type Settings, SettingsError } from '#libs/config';
import { createLogger, MetricsServer } from '#libs/telemetry';
import { createApp } from './create-app';
import { HealthService } from './health/health.service';
import { Connections } from './http/connections';
import { Lifecycle } from './http/lifecycle';
import { shutDown } from './shutdown';

/** Reads the settings, or says on standard error what is wrong with them and ends the process. */
function settingsOrExit(): Settings {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

async function start(settings: Settings, logger: Logger): Promise<void> {
  const app = await createApp(settings, logger);
  const metrics = app.get(MetricsServer);
  stopOnSignal(app, settings, logger);
  const metricsPort = await metrics.start(settings.metricsHost, settings.metricsPort);
  await app.listen(settings.port, settings.host);
  const address = app.getHttpServer().address();
  const port = typeof address === 'object' ? address?.port : settings.port;
  logger.info(
    { host: settings.host, port, metrics_host: settings.metricsHost, metrics_port: metricsPort },
    'listening',
  );
  // Whoever has only the log is told at once of a database that is away or not migrated: no probe may ever come.
  await app.get(HealthService).ready();
}

/** The first signal ends the service gracefully, a second one at once. */
function stopOnSignal(app: NestFastifyApplication, settings: Settings, logger: Logger): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    await shutDown({
      drainDelayMs: settings.drainDelayMs,
      requestTimeoutMs: settings.requestTimeoutMs,
      lifecycle: app.get(Lifecycle),
      connections: app.get(Connections),
      close: () => app.close(),
    });
    await app.get(MetricsServer).close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, stopping ? 'stopping at once' : 'stopping');
      if (stopping) process.exit(128 + constants.signals[signal]);
      stopping = true;
      stop().then(
        () => {
          logger.info('stopped');
          process.exit(0);
        },
        (error: unknown) => {
          fail(logger, error);
        },
      );
    });
  }
}

function fail(logger: Logger, error: unknown): never {
  logger.fatal({ err: error }, 'the process cannot go on');
  process.exit(1);
}

const settings = settingsOrExit();
const logger = createLogger(settings.logLevel);
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    fail(logger, error);
  });
}
start(settings, logger).catch((error: unknown) => {
  fail(logger, error);
});
