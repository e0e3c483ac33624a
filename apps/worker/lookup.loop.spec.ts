import { Logger } from '@nestjs/common';
import type { LookupBacklog, LookupBuilder, LookupMetrics, LookupStep } from '#libs/properties';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LookupLoop } from './lookup.loop';

const propertyId = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';
const backlog: LookupBacklog = { building: 1, verifying: 0, removing: 0, failed: 0, oldestSeconds: 5 };

function stepTo(state: LookupStep['state']): LookupStep {
  return { propertyId, state, handled: 500 };
}

describe('LookupLoop', () => {
  const step = vi.fn<LookupBuilder['step']>();
  const read = vi.fn<LookupBuilder['backlog']>();
  const setBacklog = vi.fn<LookupMetrics['setBacklog']>();
  const lines: [string, unknown][] = [];
  let loop: LookupLoop;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.resetAllMocks();
    lines.length = 0;
    const record = (level: string) => (line: unknown) => lines.push([level, line]);
    Logger.overrideLogger({ log: record('log'), warn: record('warn'), error: record('error') });
    step.mockResolvedValue(undefined);
    read.mockResolvedValue(backlog);
    // The loop calls nothing else.
    const builder = { step, backlog: read } as unknown as LookupBuilder;
    loop = new LookupLoop(builder, { setBacklog } as unknown as LookupMetrics);
  });
  afterEach(async () => {
    await loop.onModuleDestroy();
    vi.useRealTimers();
  });

  it('looks for a lookup to build every 5 s', async () => {
    loop.start();
    loop.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(step).toHaveBeenCalledTimes(3);
    expect(lines).toEqual([]);
  });

  it('pauses after a step for as long as the step took', async () => {
    step.mockImplementationOnce(async () => {
      await new Promise((resolve) => setTimeout(resolve, 40));
      return stepTo('building');
    });
    loop.start();
    await vi.advanceTimersByTimeAsync(79);
    expect(step).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(step).toHaveBeenCalledTimes(2);
  });

  it('tries a step that met a locked record again after 100 ms', async () => {
    step.mockResolvedValueOnce('busy');
    loop.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(step).toHaveBeenCalledTimes(2);
  });

  it('logs the end of a lookup, and warns of one that is not unique', async () => {
    for (const state of ['building', 'ready', 'removed', 'failed', 'verifying'] as const) {
      step.mockResolvedValueOnce(stepTo(state));
    }
    loop.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(lines).toEqual([
      ['log', { message: 'lookup ready', property_id: propertyId }],
      ['log', { message: 'lookup removed', property_id: propertyId }],
      ['warn', { message: 'records have equal values of a property whose lookup is unique', property_id: propertyId }],
    ]);
  });

  it('continues 5 s after a failure', async () => {
    step.mockRejectedValueOnce(new Error('the database is unavailable'));
    loop.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(step).toHaveBeenCalledTimes(2);
    expect(lines.map(([level]) => level)).toEqual(['error']);
  });

  it('reports what is left to do every 10 s, even after it could not be read', async () => {
    read.mockRejectedValueOnce(new Error('the database is unavailable'));
    loop.start();
    await vi.advanceTimersByTimeAsync(0);
    expect(setBacklog).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(setBacklog.mock.calls).toEqual([[backlog], [backlog]]);
  });

  it('stops when the step in progress has ended', async () => {
    let finish: (step: LookupStep) => void = () => undefined;
    step.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)));
    loop.start();
    let ended = false;
    const end = loop.onModuleDestroy().then(() => (ended = true));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended).toBe(false);
    finish(stepTo('building'));
    await end;
    expect(step).toHaveBeenCalledTimes(1);
  });
});
