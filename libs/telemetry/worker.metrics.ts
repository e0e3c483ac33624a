import { Injectable } from '@nestjs/common';
import { REMOVED_KINDS, RemovedKind, RETENTION_RESULTS, RetentionResult } from './metric.labels';
import { ProcessMetrics } from './process.metrics';

/** What a worker measures. */
@Injectable()
export class WorkerMetrics extends ProcessMetrics {
  /** When the oldest thing was or will be over, on the clock of `performance.now()`; undefined: nothing is there. */
  private oldestIsOverAt: number | undefined;

  private readonly partitionsAhead = this.instruments.gauge(
    'prism_ledger_partitions_ahead',
    'Days after today, without a gap, for which the ledger has its partition. Below 1, a batch has to make it.',
    {},
  );
  private readonly removed = this.instruments.counter(
    'prism_ledger_rows_removed_total',
    'What this worker removed from the ledger: rows of requests, and whole partitions of item rows.',
    { kind: REMOVED_KINDS },
  );
  private readonly runs = this.instruments.counter(
    'prism_retention_runs_total',
    'Passes of retention, by whether they came to their end.',
    { result: RETENTION_RESULTS },
  );

  constructor() {
    super();
    this.instruments.gauge(
      'prism_ledger_retention_lag_seconds',
      'For how long the oldest expired row or partition has been waiting to be removed. Grows also while passes fail.',
      {},
      (gauge) => {
        gauge.set(this.oldestIsOverAt === undefined ? 0 : Math.max(0, performance.now() - this.oldestIsOverAt) / 1_000);
      },
    );
    for (const kind of REMOVED_KINDS) this.removed.inc({ kind }, 0);
    for (const result of RETENTION_RESULTS) this.runs.inc({ result }, 0);
  }

  countRemoved(kind: RemovedKind, n: number): void {
    this.removed.inc({ kind }, n);
  }

  countRetentionRun(result: RetentionResult): void {
    this.runs.inc({ result });
  }

  /**
   * @param overdueSeconds for how long the oldest thing has been over; negative if it will be; null if nothing is there
   * @param partitionsAhead in days
   */
  setRetentionState(overdueSeconds: number | null, partitionsAhead: number): void {
    this.oldestIsOverAt = overdueSeconds === null ? undefined : performance.now() - overdueSeconds * 1_000;
    this.partitionsAhead.set(partitionsAhead);
  }
}
