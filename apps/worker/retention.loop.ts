import { Injectable } from '@nestjs/common';
import { Settings } from '#libs/config';
import { RetentionService } from '#libs/idempotency';
import { type LoopStep, WorkerLoop } from './worker.loop';

/** Starts a run of retention at startup and after each interval, whether or not the last one failed. */
@Injectable()
export class RetentionLoop extends WorkerLoop {
  constructor(
    private readonly retention: RetentionService,
    private readonly settings: Settings,
  ) {
    super();
  }

  protected steps(): LoopStep[] {
    const intervalMs = this.settings.retentionIntervalSeconds * 1_000;
    const run = async (stopping: AbortSignal): Promise<number> => {
      await this.runOnce(stopping);
      return intervalMs;
    };
    return [{ run, failurePauseMs: intervalMs }];
  }

  private async runOnce(stopping: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const done = await this.retention.run(stopping);
    const line = { message: 'retention', ...done, seconds: (performance.now() - startedAt) / 1_000 };
    if (done.requests + done.partitions > 0) this.logger.log(line);
    else this.logger.debug(line);
  }
}
