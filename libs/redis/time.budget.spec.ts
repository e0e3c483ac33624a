import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { settleWithin } from './time.budget';

describe('settleWithin', () => {
  it('returns the result of a promise that settles in time', async () => {
    await expect(settleWithin(Promise.resolve(1), 1_000)).resolves.toEqual({ state: 'fulfilled', value: 1 });
    const reason = new Error('no');
    await expect(settleWithin(Promise.reject(reason), 1_000)).resolves.toEqual({ state: 'rejected', reason });
  });

  it('returns timeout for a promise that takes longer', async () => {
    const start = performance.now();
    await expect(settleWithin(new Promise(() => undefined), 20)).resolves.toEqual({ state: 'timeout' });
    expect(performance.now() - start).toBeGreaterThanOrEqual(19);
  });

  it('ignores a promise that rejects later', async () => {
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      fail = reject;
    });
    await expect(settleWithin(late, 1)).resolves.toEqual({ state: 'timeout' });
    fail(new Error('too late'));
    await new Promise(setImmediate);
  });

  it('does not time out if the result arrived while the event loop was blocked', async () => {
    // Resolves in the poll phase, as a socket does: after timers that are due, before setImmediate.
    const settled = settleWithin(stat(__filename), 10);
    const until = performance.now() + 50;
    while (performance.now() < until);
    await expect(settled).resolves.toMatchObject({ state: 'fulfilled' });
  });
});
