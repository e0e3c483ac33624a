import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LogLimiter } from './log.limiter';

describe('LogLimiter', () => {
  let lines: [string, number][];
  let limiter: LogLimiter;

  beforeEach(() => {
    vi.useFakeTimers();
    lines = [];
    limiter = new LogLimiter((kind, repeated) => lines.push([kind, repeated]));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('admits the first line of each kind, and then writes how many followed', () => {
    expect(['a', 'a', 'b', 'a'].map((kind) => limiter.admits(kind))).toEqual([true, false, true, false]);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(lines).toEqual([['a', 2]]);
  });

  it('writes a summary in each interval while lines repeat, and admits the next one after they stop', () => {
    limiter.admits('a');
    for (let second = 0; second < 25; second++) {
      vi.advanceTimersByTime(1_000);
      expect(limiter.admits('a')).toBe(false);
    }
    expect(lines.map(([, repeated]) => repeated)).toEqual([9, 10]);
    vi.advanceTimersByTime(20_000);
    expect(lines.map(([, repeated]) => repeated)).toEqual([9, 10, 6]);
    expect(limiter.admits('a')).toBe(true);
  });
});
