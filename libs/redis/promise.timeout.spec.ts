import { once } from 'node:events';
import { setTimeout as realSleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { settleWithin } from './promise.timeout';

describe('settleWithin', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('returns the result of a promise that settles in time, and leaves no timer', async () => {
    await expect(settleWithin(Promise.resolve(1), 20)).resolves.toEqual({ state: 'fulfilled', value: 1 });
    const reason = new Error('no');
    await expect(settleWithin(Promise.reject(reason), 20)).resolves.toEqual({ state: 'rejected', reason });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('returns timeout for a promise that takes longer, and not before', async () => {
    const settled = settleWithin(new Promise(() => undefined), 20);
    vi.advanceTimersByTime(19);
    expect(await Promise.race([settled, new Promise((resolve) => setImmediate(resolve, 'waiting'))])).toBe('waiting');
    vi.advanceTimersByTime(1);
    expect(await settled).toEqual({ state: 'timeout' });
  });

  it('ignores a promise that rejects later', async () => {
    let fail: (error: Error) => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const settled = settleWithin(late, 20);
    vi.advanceTimersByTime(20);
    await expect(settled).resolves.toEqual({ state: 'timeout' });
    fail(new Error('too late'));
    await new Promise(setImmediate);
  });

  it('does not time out if the result arrived while the event loop was blocked', async () => {
    // A message is received in the poll phase, like the data of a socket: after timers that are due, before setImmediate.
    const { port1, port2 } = new MessageChannel();
    const reply = once(port2, 'message');
    const settled = settleWithin(reply, 20);
    await realSleep(0); // The rest runs in the timer phase, where the event loop continues after it was blocked.
    port1.postMessage('reply');
    vi.advanceTimersByTime(20);
    await expect(settled).resolves.toMatchObject({ state: 'fulfilled' });
    port1.close();
  });
});
