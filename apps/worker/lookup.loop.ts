import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { pause } from '#libs/program';
import { LookupBuilder, LookupMetrics } from '#libs/properties';

/** How often to look for a lookup to build. */
const INTERVAL_MS = 5_000;
/** The wait before a step that met a locked record is tried again. */
const BUSY_MS = 100;
/** How often the lookups that are not ready are counted. */
const REPORT_MS = 10_000;

/** Builds and removes lookups, step by step, and reports what is left to do. */
@Injectable()
export class LookupLoop implements OnModuleDestroy {
  private readonly logger = new Logger(LookupLoop.name);
  private readonly stop = new AbortController();
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly builder: LookupBuilder,
    private readonly metrics: LookupMetrics,
  ) {}

  start(): void {
    this.running ??= Promise.all([this.repeat(() => this.next()), this.repeat(() => this.report())]);
  }

  /** Resolves when the step in progress has finished. */
  async onModuleDestroy(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** @param step returns the pause after it, in milliseconds */
  private async repeat(step: () => Promise<number>): Promise<void> {
    while (!this.stop.signal.aborted) await pause(await step(), this.stop.signal);
  }

  private async report(): Promise<number> {
    try {
      this.metrics.setBacklog(await this.builder.backlog());
    } catch (error) {
      this.logger.error(error);
    }
    return REPORT_MS;
  }

  /** Does a step. @returns the time until the next one */
  private async next(): Promise<number> {
    const startedAt = performance.now();
    try {
      const step = await this.builder.step();
      if (step === undefined) return INTERVAL_MS;
      if (step === 'busy') return BUSY_MS;
      const { propertyId, state } = step;
      if (state === 'ready' || state === 'removed')
        this.logger.log({ message: `lookup ${state}`, property_id: propertyId });
      if (state === 'failed') {
        this.logger.warn({
          message: 'records have equal values of a property whose lookup is unique',
          property_id: propertyId,
        });
      }
      // As long as the step took, so that building uses at most half of the time.
      return performance.now() - startedAt;
    } catch (error) {
      this.logger.error(error);
      return INTERVAL_MS;
    }
  }
}
