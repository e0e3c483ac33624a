import { Logger } from '@nestjs/common';
import { readSettings } from '#libs/config';
import type { RetentionRun, RetentionService } from '#libs/idempotency';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RetentionLoop } from './retention.loop';

const settings = readSettings({ DATABASE_URL: 'postgres://localhost/prism', RETENTION_INTERVAL_SECONDS: '60' });
const nothing: RetentionRun = { requests: 0, partitions: 0, postponed: 0 };

describe('RetentionLoop', () => {
  const run = vi.fn<RetentionService['run']>();
  let loop: RetentionLoop;

  beforeEach(() => {
    vi.useFakeTimers();
    Logger.overrideLogger(false);
    run.mockReset().mockResolvedValue(nothing);
    loop = new RetentionLoop({ run } as unknown as RetentionService, settings); // the loop calls nothing else
  });
  afterEach(async () => {
    await loop.onModuleDestroy();
    vi.useRealTimers();
  });

  it('starts a run at once, and the next one an interval after it ended', async () => {
    let finish: (run: RetentionRun) => void = () => undefined;
    run.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)));
    loop.start();
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(run).toHaveBeenCalledTimes(1);
    finish(nothing);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(run).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('logs a run that deleted something, and others for debugging only', async () => {
    const levels: string[] = [];
    const record = (level: string) => () => levels.push(level);
    Logger.overrideLogger({ log: record('log'), debug: record('debug'), error: record('error'), warn: record('warn') });
    run.mockResolvedValueOnce({ requests: 1, partitions: 0, postponed: 0 });
    run.mockResolvedValueOnce({ requests: 0, partitions: 1, postponed: 0 });
    loop.start();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(levels).toEqual(['log', 'log', 'debug']);
  });

  it('continues after a failed run', async () => {
    run.mockRejectedValueOnce(new Error('the database is unavailable'));
    loop.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(run).toHaveBeenCalledTimes(2);
  });

  it('stops when the run in progress ends, and starts no other', async () => {
    let finish: (run: RetentionRun) => void = () => undefined;
    run.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)));
    loop.start();
    let ended = false;
    const end = loop.onModuleDestroy().then(() => (ended = true));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(run.mock.calls[0]?.[0].aborted).toBe(true);
    expect(ended).toBe(false);
    finish(nothing);
    await end;
    expect(run).toHaveBeenCalledTimes(1);
  });
});
