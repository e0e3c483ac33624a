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

  it('ends readiness, waits for the drain delay, closes the listener, the connections, and then their resources', async () => {
    const lifecycle = new Lifecycle();
    const steps: string[] = [];
    const done = shutDown({
      lifecycle,
      drainDelayMs: 5_000,
      drainGraceMs: 30,
      requestTimeoutMs: 200,
      connections: {
        stopListening: () => {
          steps.push('stop listening');
          expect(lifecycle.closing).toBe(false);
          return Promise.resolve();
        },
        end: (graceMs, maxWaitMs) => {
          steps.push(`end of connections, ${graceMs} ms, ${maxWaitMs} ms`);
          expect(lifecycle.closing).toBe(true);
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
    expect(steps).toEqual(['stop listening', 'end of connections, 30 ms, 1200 ms', 'close']);
  });
});
