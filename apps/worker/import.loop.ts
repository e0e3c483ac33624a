import { Injectable } from '@nestjs/common';
import { ImportJobMetrics, ImportJobRepository, ImportRunner } from '#libs/imports';
import { type LoopStep, WorkerLoop } from './worker.loop';

/** How long a new job waits for an idle worker at most. */
const POLL_MS = 500;
/** The pause after the database has failed. */
const FAILURE_PAUSE_MS = 2_000;
/** How often expired jobs are removed and the backlog is read. */
const UPKEEP_MS = 10_000;

/** Runs import jobs one after the other, removes expired ones, and reports the backlog. */
@Injectable()
export class ImportLoop extends WorkerLoop {
  constructor(
    private readonly runner: ImportRunner,
    private readonly jobs: ImportJobRepository,
    private readonly metrics: ImportJobMetrics,
  ) {
    super();
  }

  protected steps(): LoopStep[] {
    return [
      {
        run: async (stopping) => ((await this.runner.runTurn(stopping)) ? 0 : POLL_MS),
        failurePauseMs: FAILURE_PAUSE_MS,
      },
      { run: () => this.upkeep(), failurePauseMs: FAILURE_PAUSE_MS },
    ];
  }

  private async upkeep(): Promise<number> {
    this.metrics.setBacklog(await this.jobs.backlog());
    const removed = await this.jobs.purge();
    if (removed > 0) this.logger.log({ message: 'removed expired imports', jobs: removed });
    return UPKEEP_MS;
  }
}
