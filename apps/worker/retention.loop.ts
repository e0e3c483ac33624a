import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Settings } from '#libs/config';
import { RetentionService } from '#libs/idempotency';
import { pause } from '#libs/program';

/** Starts a run of retention at startup and after each interval, whether or not the last one failed. */
@Injectable()
export class RetentionLoop implements OnModuleDestroy {
  private readonly logger = new Logger(RetentionLoop.name);
  private readonly stop = new AbortController();
  private running: Promise<void> | undefined;

  constructor(
    private readonly retention: RetentionService,
    private readonly settings: Settings,
  ) {}

  get stopping(): boolean {
    return this.stop.signal.aborted;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when the step in progress has finished. */
  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    while (!this.stopping) {
      await this.runOnce();
      await pause(this.settings.retentionIntervalSeconds * 1_000, this.stop.signal);
    }
  }

  private async runOnce(): Promise<void> {
    const startedAt = performance.now();
    try {
      const done = await this.retention.run(this.stop.signal);
      const line = { message: 'retention', ...done, seconds: (performance.now() - startedAt) / 1_000 };
      if (done.requests + done.partitions > 0) this.logger.log(line);
      else this.logger.debug(line);
    } catch (error) {
      this.logger.error(error);
    }
  }
}
