import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { pause } from '#libs/program';
import { ImportJobMetrics, ImportJobRepository, ImportRunner } from '#libs/imports';

/** How long a new job waits for an idle worker at most. */
const POLL_MS = 500;
/** The pause after the database has failed. */
const FAILURE_PAUSE_MS = 2_000;
/** How often expired jobs are removed and the backlog is read. */
const UPKEEP_MS = 10_000;

/** Runs import jobs one after the other, removes expired ones, and reports the backlog. */
@Injectable()
export class ImportLoop implements OnModuleDestroy {
  private readonly logger = new Logger(ImportLoop.name);
  private readonly stop = new AbortController();
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly runner: ImportRunner,
    private readonly jobs: ImportJobRepository,
    private readonly metrics: ImportJobMetrics,
  ) {}

  start(): void {
    this.running ??= Promise.all([
      this.repeat(async () => ((await this.runner.runTurn(this.stop.signal)) ? 0 : POLL_MS)),
      this.repeat(() => this.upkeep()),
    ]);
  }

  /** Resolves when the chunks in progress have ended. */
  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** @param step returns the pause after it, in milliseconds */
  private async repeat(step: () => Promise<number>): Promise<void> {
    while (!this.stop.signal.aborted) {
      let pauseMs = FAILURE_PAUSE_MS;
      try {
        pauseMs = await step();
      } catch (error) {
        this.logger.error(error);
      }
      await pause(pauseMs, this.stop.signal);
    }
  }

  private async upkeep(): Promise<number> {
    this.metrics.setBacklog(await this.jobs.backlog());
    const removed = await this.jobs.purge();
    if (removed > 0) this.logger.log({ message: 'removed expired imports', jobs: removed });
    return UPKEEP_MS;
  }
}
