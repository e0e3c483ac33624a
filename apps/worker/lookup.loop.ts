import { Injectable } from '@nestjs/common';
import { LookupBuilder, LookupMetrics } from '#libs/properties';
import { type LoopStep, WorkerLoop } from './worker.loop';

/** How often to look for a lookup to build. */
const INTERVAL_MS = 5_000;
/** The wait before a step that met a locked record is tried again. */
const BUSY_MS = 100;
/** How often the lookups that are not ready are counted. */
const REPORT_MS = 10_000;

/** Builds and removes lookups, step by step, and reports what is left to do. */
@Injectable()
export class LookupLoop extends WorkerLoop {
  constructor(
    private readonly builder: LookupBuilder,
    private readonly metrics: LookupMetrics,
  ) {
    super();
  }

  protected steps(): LoopStep[] {
    return [
      { run: () => this.build(), failurePauseMs: INTERVAL_MS },
      { run: () => this.report(), failurePauseMs: REPORT_MS },
    ];
  }

  private async build(): Promise<number> {
    const startedAt = performance.now();
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
  }

  private async report(): Promise<number> {
    this.metrics.setBacklog(await this.builder.backlog());
    return REPORT_MS;
  }
}
