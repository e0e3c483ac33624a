import 'reflect-metadata';
import { constants } from 'node:os';
import { type INestApplicationContext, Logger as NestLog } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Logger } from 'pino';
import { readSettings, type Settings, SettingsError } from '#libs/config';
import { createLogger, MetricsServer, NestLogger } from '#libs/telemetry';
import { ReadinessCheck } from './readiness.check';
import { RetentionLoop } from './retention.loop';
import { WorkerModule } from './worker.module';

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
  const app = await NestFactory.createApplicationContext(
    WorkerModule.of(settings),
    // What Nest says about its own start is nothing that an operator acts on.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class and means an interface
    { logger: false, abortOnError: false },
  );
  NestLog.overrideLogger(new NestLogger(logger));
  stopOnSignal(app, logger);
  const readiness = app.get(ReadinessCheck);
  const port = await app.get(MetricsServer).start(settings.metricsHost, settings.metricsPort, () => readiness.ready());
  logger.info({ metrics_host: settings.metricsHost, metrics_port: port }, 'working');
  app.get(RetentionLoop).start();
}

/** The first signal ends the worker after the step that is under way, a second one at once. */
function stopOnSignal(app: INestApplicationContext, logger: Logger): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    await app.close();
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
