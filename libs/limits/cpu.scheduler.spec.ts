import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { CpuScheduler } from './cpu.scheduler';

const measure = <T>(_client: string, _stage: string, section: () => T): T => section();
const noPause = { pauseMs: () => 0, measure };

/** Runs computations of one step each. */
function add(scheduler: CpuScheduler, client: string, step: () => void): void {
  scheduler.run(
    client,
    'parse',
    () => {
      step();
      return false;
    },
    () => undefined,
  );
}

it('lets clients take turns', async () => {
  const order: string[] = [];
  const scheduler = new CpuScheduler(noPause);
  for (let n = 0; n < 10; n += 1) add(scheduler, 'greedy', () => order.push('greedy'));
  add(scheduler, 'modest', () => order.push('modest'));
  await vi.waitFor(() => {
    expect(order).toHaveLength(11);
  });
  expect(order.indexOf('modest')).toBe(1);
});

it('runs steps until 4 ms have passed, and the rest in later turns of the event loop', async () => {
  let now = 0;
  let steps = 0;
  const done = vi.fn();
  const scheduler = new CpuScheduler(noPause, () => now);
  const step = (): boolean => {
    steps += 1;
    now += 2;
    return steps < 5;
  };
  scheduler.run('a', 'parse', step, done);
  const seen: number[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await nextTurn();
    seen.push(steps);
  }
  expect(seen).toEqual([2, 4, 5, 5]);
  expect(done).toHaveBeenCalledExactlyOnceWith();
});

it('ends a computation with the error of its step, and continues with the next', async () => {
  const scheduler = new CpuScheduler(noPause);
  const error = new Error('invalid');
  const done = vi.fn();
  const fail = (): boolean => {
    throw error;
  };
  scheduler.run('a', 'parse', fail, done);
  const next = vi.fn();
  add(scheduler, 'a', next);
  await vi.waitFor(() => {
    expect(next).toHaveBeenCalled();
  });
  expect(done).toHaveBeenCalledExactlyOnceWith(error);
});

it('ends a computation whose step throws a value that is no error', async () => {
  const scheduler = new CpuScheduler(noPause);
  const done = vi.fn();
  const fail = (): boolean => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- what a dependency may throw
    throw 'invalid';
  };
  scheduler.run('a', 'parse', fail, done);
  await vi.waitFor(() => {
    expect(done).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ cause: 'invalid' }));
  });
});

it('skips a client during its pause, and runs its section afterwards', () => {
  vi.useFakeTimers();
  const pauses = new Map([['greedy', 20]]);
  const order: string[] = [];
  const scheduler = new CpuScheduler({ pauseMs: (client) => pauses.get(client) ?? 0, measure });
  add(scheduler, 'greedy', () => order.push('greedy'));
  add(scheduler, 'modest', () => order.push('modest'));
  vi.advanceTimersByTime(20);
  expect(order).toEqual(['modest']);
  pauses.clear();
  vi.advanceTimersByTime(20);
  expect(order).toEqual(['modest', 'greedy']);
  vi.useRealTimers();
});

it('calls a callback that throws exactly once', () => {
  vi.useFakeTimers({ toFake: ['setImmediate'] });
  const scheduler = new CpuScheduler(noPause);
  const done = vi.fn(() => {
    throw new Error('of the callback');
  });
  scheduler.run('a', 'parse', () => false, done);
  expect(() => vi.runAllTimers()).toThrow('of the callback');
  vi.useRealTimers();
  expect(done).toHaveBeenCalledExactlyOnceWith();
});
