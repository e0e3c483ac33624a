import { constants } from 'node:os';
import type { Logger } from 'pino';
import { readSettings, type Settings, SettingsError } from '#libs/config';
import { createLogger } from '#libs/telemetry';

/** A running program. */
export interface Program {
  /** Shuts down gracefully. Resolves when the process can exit. */
  stop(): Promise<void>;
}

/**
 * Reads the settings and runs a program until SIGTERM or SIGINT, which starts a graceful shutdown. A second signal ends the
 * process at once.
 *
 * Exit codes: 0 after a graceful shutdown; 1 for invalid settings (printed to standard error) or an unhandled error (logged);
 * 128 plus the signal number after a second signal.
 */
export function runProgram(start: (settings: Settings, logger: Logger) => Promise<Program>): void {
  const settings = readSettingsOrExit();
  const logger = createLogger(settings.logLevel);
  const fail = (error: unknown): never => {
    logger.fatal({ err: error }, 'unhandled error');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const started = start(settings, logger);
  started.catch(fail);
  stopOnSignal(started, logger, fail);
}

function readSettingsOrExit(): Settings {
  try {
    return readSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

function stopOnSignal(started: Promise<Program>, logger: Logger, fail: (error: unknown) => never): void {
  let stopping = false;
  const stop = async (): Promise<void> => {
    await (await started).stop();
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      logger.info({ signal }, stopping ? 'stopping at once' : 'stopping');
      if (stopping) process.exit(128 + constants.signals[signal]);
      stopping = true;
      stop().catch(fail);
    });
  }
}
