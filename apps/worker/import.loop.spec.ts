import { Logger } from '@nestjs/common';
import type { ImportJobMetrics, ImportJobRepository, ImportRunner } from '#libs/imports';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImportLoop } from './import.loop';

const backlog = { jobs: 2, rows: 300, oldestSeconds: 5 };

describe('ImportLoop', () => {
  const runTurn = vi.fn<ImportRunner['runTurn']>();
  const read = vi.fn<ImportJobRepository['backlog']>();
  const purge = vi.fn<ImportJobRepository['purge']>();
  const setBacklog = vi.fn<ImportJobMetrics['setBacklog']>();
  let loop: ImportLoop;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.resetAllMocks();
    Logger.overrideLogger(false);
    runTurn.mockResolvedValue(false);
    read.mockResolvedValue(backlog);
    purge.mockResolvedValue(0);
    // The loop calls nothing else.
    const runner = { runTurn } as unknown as ImportRunner;
    const jobs = { backlog: read, purge } as unknown as ImportJobRepository;
    loop = new ImportLoop(runner, jobs, { setBacklog } as unknown as ImportJobMetrics);
  });
  afterEach(async () => {
    await loop.onModuleDestroy();
    vi.useRealTimers();
  });

  it('looks for jobs twice a second, and continues at once after a turn', async () => {
    loop.start();
    loop.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runTurn).toHaveBeenCalledTimes(3);
    runTurn.mockResolvedValueOnce(true).mockResolvedValueOnce(true);
    await vi.advanceTimersByTimeAsync(510);
    expect(runTurn).toHaveBeenCalledTimes(6);
  });

  it('reports the backlog, and removes expired jobs', async () => {
    const lines: unknown[] = [];
    Logger.overrideLogger({ log: (line: unknown) => lines.push(line), error: vi.fn(), warn: vi.fn() });
    purge.mockResolvedValueOnce(3);
    loop.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(setBacklog.mock.calls).toEqual([[backlog], [backlog]]);
    expect(lines).toEqual([{ message: 'removed expired imports', jobs: 3 }]);
  });

  it('continues after a failure', async () => {
    runTurn.mockRejectedValueOnce(new Error('the database is unavailable'));
    loop.start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(runTurn).toHaveBeenCalledTimes(2);
  });

  it('stops when the turn in progress has ended', async () => {
    let finish: (isMore: boolean) => void = () => undefined;
    runTurn.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)));
    loop.start();
    let ended = false;
    const end = loop.onModuleDestroy().then(() => (ended = true));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runTurn.mock.calls[0]?.[0].aborted).toBe(true);
    expect(ended).toBe(false);
    finish(true);
    await end;
    expect(runTurn).toHaveBeenCalledTimes(1);
  });
});
