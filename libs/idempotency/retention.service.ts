import { Injectable, Logger } from '@nestjs/common';
import { pause } from '#libs/program';
import { RetentionMetrics } from './retention.metrics';
import { type ExpiredPartition, type PartitionStep, RetentionRepository } from './retention.repository';

/** Enough for a long weekend without a worker. Outcomes of a day without a partition go to the default partition. */
const DAYS_AHEAD = 3;

/** Batches may wait during an attempt; the pauses between attempts let them catch up. */
const ATTEMPTS = 8;
const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 1_000;

/** The result of one run: rows and partitions removed. */
export interface RetentionRun {
  requests: number;
  partitions: number;
  /** Expired partitions that were locked. The next run tries again. */
  postponed: number;
}

/**
 * Creates partitions of the ledger ahead of time and removes expired rows and partitions. Safe to run in several processes at
 * once and to kill at any time: the next run of any process continues.
 */
@Injectable()
export class RetentionService {
  private readonly logger = new Logger(RetentionService.name);

  constructor(
    private readonly ledger: RetentionRepository,
    private readonly metrics: RetentionMetrics,
  ) {}

  /**
   * Creates partitions, then removes expired rows and partitions.
   *
   * @param stopping ends the run after the current step
   * @throws DatabaseUnavailable and other errors of the database, which end the run early
   */
  async run(stopping: AbortSignal): Promise<RetentionRun> {
    const run: RetentionRun = { requests: 0, partitions: 0, postponed: 0 };
    try {
      await this.createPartitions(stopping);
      await this.purge(run, stopping);
      await this.dropPartitions(run, stopping);
      const state = await this.ledger.state(DAYS_AHEAD);
      this.metrics.setRetentionState(state.overdueSeconds, state.partitionsAhead);
      this.metrics.setTransactionIdAge(state.transactionIdAge, state.freezeMaxAge);
      this.metrics.setVacuumHorizon(await this.ledger.vacuumHorizon());
    } catch (error) {
      this.metrics.countRetentionRun('error');
      throw error;
    }
    this.metrics.countRetentionRun('ok');
    return run;
  }

  private async createPartitions(stopping: AbortSignal): Promise<void> {
    for (const day of await this.ledger.missingPartitions(DAYS_AHEAD)) {
      if (stopping.aborted) return;
      if ((await this.attempt(() => this.ledger.createPartition(day), stopping)) === 'busy') {
        this.logger.warn({ message: 'a ledger partition could not be created yet', day });
        return; // the lock is the same for every day
      }
    }
  }

  private async purge(run: RetentionRun, stopping: AbortSignal): Promise<void> {
    let from: string | null = null;
    while (!stopping.aborted) {
      const startedAt = performance.now();
      const { removed, upTo } = await this.ledger.purgeRequests(from);
      if (upTo === null) return;
      this.metrics.countRequestsRemoved(removed);
      run.requests += removed;
      from = upTo;
      // Pauses as long as the purge took, so that it uses at most half of the time.
      await pause(performance.now() - startedAt, stopping);
    }
  }

  private async dropPartitions(run: RetentionRun, stopping: AbortSignal): Promise<void> {
    for (const partition of await this.ledger.expiredPartitions()) {
      if (stopping.aborted) return;
      switch (await this.dropPartition(partition, stopping)) {
        case 'done':
          this.metrics.countPartitionDropped();
          run.partitions += 1;
          break;
        case 'busy':
          run.postponed += 1;
          this.logger.warn({ message: 'a ledger partition could not be dropped yet', day: partition.day });
          break;
        case 'kept':
      }
    }
  }

  private async dropPartition({ day, attached }: ExpiredPartition, stopping: AbortSignal): Promise<PartitionStep> {
    if (attached) {
      const detached = await this.attempt(() => this.ledger.detachPartition(day), stopping);
      if (detached !== 'done') return detached;
    }
    return this.attempt(() => this.ledger.dropPartition(day), stopping);
  }

  private async attempt(step: () => Promise<PartitionStep>, stopping: AbortSignal): Promise<PartitionStep> {
    for (let attempt = 1; ; attempt += 1) {
      const result = await step();
      if (result !== 'busy' || attempt === ATTEMPTS || stopping.aborted) return result;
      // Random, so that two workers do not collide again.
      await pause(Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + Math.random()), stopping);
    }
  }
}
