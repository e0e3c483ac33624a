import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import type { Logger } from 'pino';
import type { Settings } from '#libs/config';
import { AdminServer, type Program, runProgram } from '#libs/program';
import { Instruments, NestLogger } from '#libs/telemetry';
import { ImportLoop } from './import.loop';
import { LookupLoop } from './lookup.loop';
import { ReadinessCheck } from './readiness.check';
import { RetentionLoop } from './retention.loop';
import { WorkerModule } from './worker.module';

async function start(settings: Settings, logger: Logger): Promise<Program> {
  const app = await NestFactory.createApplicationContext(
    WorkerModule.of(settings),
    // Operators have no use for Nest's messages about its startup.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class but takes any object
    { logger: false, abortOnError: false },
  );
  app.useLogger(new NestLogger(logger));
  const adminServer = new AdminServer(app.get(Instruments));
  const readiness = app.get(ReadinessCheck);
  const port = await adminServer.start(settings.metricsHost, settings.metricsPort, () => readiness.ready());
  logger.info({ metrics_host: settings.metricsHost, metrics_port: port }, 'started');
  app.get(RetentionLoop).start();
  app.get(LookupLoop).start();
  app.get(ImportLoop).start();
  return {
    // Waits for the steps, and the chunks of imports, in progress.
    stop: async () => {
      await app.close();
      await adminServer.close();
    },
  };
}

runProgram(start);
