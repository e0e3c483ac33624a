import { Logger } from '@nestjs/common';
import { Instruments } from '#libs/telemetry';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type {
  ExpiredPartition,
  PartitionStep,
  Purge,
  RetentionRepository,
  RetentionState,
  VacuumHorizon,
} from './retention.repository';
import { RetentionMetrics } from './retention.metrics';
import { RetentionService } from './retention.service';

type Steps = Pick<
  RetentionRepository,
  | 'missingPartitions'
  | 'createPartition'
  | 'purgeRequests'
  | 'expiredPartitions'
  | 'detachPartition'
  | 'dropPartition'
  | 'state'
  | 'vacuumHorizon'
>;

/** A ledger with one expired day and nothing else to do. It records the calls. */
class FakeLedger implements Steps {
  readonly calls: string[] = [];
  purges: Purge[] = [];
  partitions: ExpiredPartition[] = [{ day: '2026-01-01', attached: true }];
  create: PartitionStep[] = ['done'];
  detach: PartitionStep[] = ['done'];
  drop: PartitionStep[] = ['done'];

  missingPartitions = (daysAhead: number): Promise<string[]> => this.note(`missing ${daysAhead}`, ['2026-01-02']);
  createPartition = (day: string): Promise<PartitionStep> => this.note(`create ${day}`, this.create.shift() ?? 'busy');
  purgeRequests = (from: string | null): Promise<Purge> =>
    this.note(`purge ${from ?? ''}`, this.purges.shift() ?? { removed: 0, upTo: null });
  expiredPartitions = (): Promise<ExpiredPartition[]> => this.note('list', this.partitions);
  detachPartition = (): Promise<PartitionStep> => this.note('detach', this.detach.shift() ?? 'busy');
  dropPartition = (): Promise<PartitionStep> => this.note('drop', this.drop.shift() ?? 'busy');
  state = (): Promise<RetentionState> =>
    this.note('state', {
      overdueSeconds: null,
      partitionsAhead: 3,
      transactionIdAge: 1_000,
      freezeMaxAge: 200_000_000,
    });
  vacuumHorizon = (): Promise<VacuumHorizon> =>
    this.note('horizon', { oldestTransactionSeconds: 0, replicationAge: 0, slotWalBytes: 0 });

  private note<T>(call: string, result: T): Promise<T> {
    this.calls.push(call);
    return Promise.resolve(result);
  }
}

describe('RetentionService', () => {
  let ledger: FakeLedger;
  let service: RetentionService;
  const stop = new AbortController().signal;

  beforeEach(() => {
    Logger.overrideLogger(false);
    ledger = new FakeLedger();
    service = new RetentionService(ledger as unknown as RetentionRepository, new RetentionMetrics(new Instruments())); // all that it uses
  });

  it('deletes requests before it drops the partition that has their outcomes', async () => {
    ledger.purges = [
      { removed: 1_000, upTo: 'a' },
      { removed: 3, upTo: 'b' },
    ];
    expect(await service.run(stop)).toEqual({ requests: 1_003, partitions: 1, postponed: 0 });
    expect(ledger.calls).toEqual([
      ...['missing 3', 'create 2026-01-02'],
      ...['purge ', 'purge a', 'purge b'],
      ...['list', 'detach', 'drop', 'state', 'horizon'],
    ]);
  });

  it('retries a step whose table is locked, and gives up after some attempts', async () => {
    vi.useFakeTimers();
    try {
      ledger.detach = ['busy', 'busy', 'done'];
      ledger.drop = [];
      const run = service.run(stop);
      await vi.runAllTimersAsync();
      expect(await run).toEqual({ requests: 0, partitions: 0, postponed: 1 });
      expect(ledger.calls.filter((call) => call === 'detach')).toHaveLength(3);
      expect(ledger.calls.filter((call) => call === 'drop')).toHaveLength(8);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not detach a partition twice, and does not drop one that another worker has dropped', async () => {
    ledger.partitions = [
      { day: '2026-01-01', attached: false },
      { day: '2026-01-02', attached: true },
    ];
    ledger.detach = ['kept'];
    expect(await service.run(stop)).toEqual({ requests: 0, partitions: 1, postponed: 0 });
    expect(ledger.calls.slice(-5)).toEqual(['list', 'drop', 'detach', 'state', 'horizon']);
  });

  it('starts no further step after it was stopped', async () => {
    const stopping = new AbortController();
    ledger.purges = [{ removed: 1_000, upTo: 'a' }];
    ledger.expiredPartitions = () => Promise.resolve(ledger.partitions);
    const purge = ledger.purgeRequests;
    ledger.purgeRequests = (from) => {
      stopping.abort();
      return purge(from);
    };
    expect(await service.run(stopping.signal)).toEqual({ requests: 1_000, partitions: 0, postponed: 0 });
    expect(ledger.calls).not.toContain('detach');
  });
});
