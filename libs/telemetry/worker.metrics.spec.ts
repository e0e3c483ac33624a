import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkerMetrics } from './worker.metrics';

/** The samples of one metric as they are served, e.g. `{result="ok"}` → 0. */
async function samples(metrics: WorkerMetrics, name: string): Promise<Record<string, number>> {
  const text = await metrics.registry.getSingleMetricAsString(name);
  const lines = text.split('\n').filter((line) => line.startsWith(name));
  return Object.fromEntries(
    lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

describe('WorkerMetrics', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
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
    ['prism_database_errors_total', { '{kind="connection"}': 0, '{kind="timeout"}': 0, '{kind="call"}': 0 }],
  ])('starts %s at 0 for every label set', async (name, expected) => {
    expect(await samples(new WorkerMetrics(), name)).toEqual(expected);
  });

  it('lets the lag grow by itself, so that a worker that is stuck shows', async () => {
    const metrics = new WorkerMetrics();
    const lag = async () => (await samples(metrics, 'prism_ledger_retention_lag_seconds'))[''];
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
    expect(await samples(metrics, 'prism_ledger_partitions_ahead')).toEqual({ '': 2 });
  });

  it('counts removed requests, dropped partitions and passes, each in a metric of its own', async () => {
    const metrics = new WorkerMetrics();
    metrics.countRequestsRemoved(1_000);
    metrics.countPartitionDropped();
    metrics.countRetentionRun('ok');
    expect(await samples(metrics, 'prism_ledger_requests_removed_total')).toEqual({ '': 1_000 });
    expect(await samples(metrics, 'prism_ledger_partitions_dropped_total')).toEqual({ '': 1 });
    expect(await samples(metrics, 'prism_retention_runs_total')).toEqual({ '{result="ok"}': 1, '{result="error"}': 0 });
  });

  it('has nothing of a gateway', async () => {
    expect(await new WorkerMetrics().registry.metrics()).not.toMatch(/prism_(batch|http|idempotency|auth|redis)/);
  });
});
