import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Instruments } from '#libs/telemetry';
import { RetentionMetrics } from './retention.metrics';

describe('RetentionMetrics', () => {
  let instruments: Instruments;
  let metrics: RetentionMetrics;
  const samples = async (name: string) => Object.fromEntries(await instruments.samples(name));

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    instruments = new Instruments();
    metrics = new RetentionMetrics(instruments);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ['prism_ledger_retention_lag_seconds', { '': 0 }],
    ['prism_ledger_partitions_ahead', { '': 0 }],
    ['prism_ledger_requests_removed_total', { '': 0 }],
    ['prism_ledger_partitions_dropped_total', { '': 0 }],
    ['prism_retention_runs_total', { '{result="ok"}': 0, '{result="error"}': 0 }],
  ])('starts %s at 0 for every label set', async (name, expected) => {
    expect(await samples(name)).toEqual(expected);
  });

  it('increases the lag with time while no run updates it', async () => {
    const lag = async () => (await samples('prism_ledger_retention_lag_seconds'))[''];
    metrics.setRetentionState(120, 3);
    expect(await lag()).toBe(120);
    vi.advanceTimersByTime(60_000);
    expect(await lag()).toBe(180);
    metrics.setRetentionState(-30, 3);
    expect(await lag()).toBe(0);
    vi.advanceTimersByTime(45_000);
    expect(await lag()).toBe(15);
    metrics.setRetentionState(null, 2);
    expect(await lag()).toBe(0);
    expect(await samples('prism_ledger_partitions_ahead')).toEqual({ '': 2 });
  });

  it('has no age of the oldest transaction and of replication before the first run', async () => {
    const names = ['oldest_transaction_seconds', 'replication_age', 'slot_wal_bytes'];
    const values = () => Promise.all(names.map((name) => samples(`prism_database_${name}`)));
    expect(await values()).toEqual([{}, {}, {}]);
    metrics.setVacuumHorizon({ oldestTransactionSeconds: 60, replicationAge: 1_000, slotWalBytes: 0 });
    expect(await values()).toEqual([{ '': 60 }, { '': 1_000 }, { '': 0 }]);
  });

  it('has no age of transaction ids before the first run', async () => {
    expect(await samples('prism_database_transaction_id_age')).toEqual({});
    expect(await samples('prism_database_freeze_max_age')).toEqual({});
    metrics.setTransactionIdAge(150_000_000, 200_000_000);
    expect(await samples('prism_database_transaction_id_age')).toEqual({ '': 150_000_000 });
    expect(await samples('prism_database_freeze_max_age')).toEqual({ '': 200_000_000 });
  });

  it('counts removed requests, dropped partitions and runs in separate metrics', async () => {
    metrics.countRequestsRemoved(1_000);
    metrics.countPartitionDropped();
    metrics.countRetentionRun('ok');
    expect(await samples('prism_ledger_requests_removed_total')).toEqual({ '': 1_000 });
    expect(await samples('prism_ledger_partitions_dropped_total')).toEqual({ '': 1 });
    expect(await samples('prism_retention_runs_total')).toEqual({ '{result="ok"}': 1, '{result="error"}': 0 });
  });
});
