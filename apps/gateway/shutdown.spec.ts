import { describe, expect, it } from 'vitest';
import { Lifecycle } from './http/lifecycle';
import { shutDown } from './shutdown';

describe('a shutdown', () => {
  it('ends readiness, waits for the drain delay, closes the connections, and then their resources', async () => {
    const lifecycle = new Lifecycle();
    const steps: string[] = [];
    const began = performance.now();
    const done = shutDown({
      lifecycle,
      drainDelayMs: 50,
      requestTimeoutMs: 200,
      connections: {
        end: (maxWaitMs) => {
          steps.push(`connections, ${maxWaitMs} ms`);
          expect(performance.now() - began).toBeGreaterThanOrEqual(45);
          return Promise.resolve();
        },
      },
      close: () => {
        steps.push('close');
        return Promise.resolve();
      },
    });
    expect(lifecycle.draining).toBe(true);
    expect(steps).toEqual([]);
    await done;
    expect(steps).toEqual(['connections, 1200 ms', 'close']);
  });
});
