import { Logger, type OnModuleDestroy } from '@nestjs/common';
import { pause } from '#libs/program';

/** Work that a loop repeats. Resolves with the pause after it, in milliseconds. */
export interface LoopStep {
  readonly run: (stopping: AbortSignal) => Promise<number>;
  /** The pause after a failure, in milliseconds. */
  readonly failurePauseMs: number;
}

/** Repeats its steps, independently of each other, until the module is destroyed. A failure is logged. */
export abstract class WorkerLoop implements OnModuleDestroy {
  protected readonly logger = new Logger(this.constructor.name);
  private readonly stop = new AbortController();
  private running: Promise<unknown> | undefined;

  protected abstract steps(): readonly LoopStep[];

  get stopping(): boolean {
    return this.stop.signal.aborted;
  }

  start(): void {
    this.running ??= Promise.all(this.steps().map((step) => this.repeat(step)));
  }

  /** Resolves when the steps in progress have ended. */
  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  private async repeat({ run, failurePauseMs }: LoopStep): Promise<void> {
    const { signal } = this.stop;
    while (!signal.aborted) {
      let pauseMs = failurePauseMs;
      try {
        pauseMs = await run(signal);
      } catch (error) {
        this.logger.error(error);
      }
      await pause(pauseMs, signal);
    }
  }
}
