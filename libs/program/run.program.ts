import { constants } from 'node:os';
import type { Logger } from 'pino';
import { readSettings, type Settings, SettingsError } from '#libs/config';
import { createLogger } from '#libs/telemetry';

/** A program that runs until it is stopped. */
export interface Program {
  /** Ends what is under way in good order; resolves when nothing is left to do. */
  stop(): Promise<void>;
}

/**
 * Runs a program of this process: reads its settings, starts it, and stops it at the first SIGTERM or SIGINT. A second one
 * ends it at once.
 *
 * Exit codes: 0 stopped in good order; 1 bad settings (said on standard error) or an error that nobody handled (logged);
 * 128 + the signal's number after a second signal.
 */
export function runProgram(start: (settings: Settings, logger: Logger) => Promise<Program>): void {
  const settings = settingsOrExit();
  const logger = createLogger(settings.logLevel);
  const fail = (error: unknown): never => {
    logger.fatal({ err: error }, 'the process cannot go on');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const started = start(settings, logger);
  started.catch(fail);
  stopOnSignal(started, logger, fail);
}

function settingsOrExit(): Settings {
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
