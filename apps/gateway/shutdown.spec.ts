import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lifecycle } from './http/lifecycle';
import { shutDown } from './shutdown';

// The fake timers of vitest do not replace those of this module.
vi.mock('node:timers/promises', () => ({
  setTimeout: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
}));

describe('a shutdown', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('ends readiness, waits for the drain delay, closes the connections, and then their resources', async () => {
    const lifecycle = new Lifecycle();
    const steps: string[] = [];
    const done = shutDown({
      lifecycle,
      drainDelayMs: 5_000,
      requestTimeoutMs: 200,
      connections: {
        end: (maxWaitMs) => {
          steps.push(`connections, ${maxWaitMs} ms`);
          return Promise.resolve();
        },
      },
      close: () => {
        steps.push('close');
        return Promise.resolve();
      },
    });
    expect(lifecycle.draining).toBe(true);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(steps).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await done;
    expect(steps).toEqual(['connections, 1200 ms', 'close']);
  });
});
