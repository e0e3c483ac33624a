import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LineLimiter } from './line.limiter';

describe('LineLimiter', () => {
  let lines: [string, number][];
  let limiter: LineLimiter;

  beforeEach(() => {
    vi.useFakeTimers();
    lines = [];
    limiter = new LineLimiter((kind, repeated) => lines.push([kind, repeated]));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('admits the first of each kind, and then says how many there were', () => {
    expect(['a', 'a', 'b', 'a'].map((kind) => limiter.admits(kind))).toEqual([true, false, true, false]);
    expect(lines).toEqual([]);
    vi.advanceTimersByTime(10_000);
    expect(lines).toEqual([['a', 2]]);
  });

  it('goes on counting for as long as it goes on, and begins anew when it has ended', () => {
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
