import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadline, type Phase } from './deadline';

const PHASES: readonly Phase[] = ['execute', 'commit', 'render', 'send'];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a deadline', () => {
  it.each([
    [1_000, [875, 925, 950, 1_000]],
    [10_000, [9_650, 9_850, 9_900, 10_000]],
    [30_000, [29_650, 29_850, 29_900, 30_000]],
    [100, [72.5, 92.5, 95, 100]],
    [15, [0, 13.875, 14.25, 15]],
  ])('of %i ms ends its phases in order', (budgetMs, expected) => {
    const deadline = Deadline.in(budgetMs);
    PHASES.forEach((phase, i) => {
      expect(deadline.msLeft(phase)).toBeCloseTo(expected[i] ?? NaN, 6);
    });
  });

  it('comes closer, and then stays at 0', () => {
    const deadline = Deadline.in(1_000);
    vi.advanceTimersByTime(400);
    expect(deadline.msLeft()).toBe(600);
    expect(deadline.msLeft('execute')).toBe(475);
    vi.advanceTimersByTime(500);
    expect([deadline.msLeft(), deadline.msLeft('execute')]).toEqual([100, 0]);
    vi.advanceTimersByTime(500);
    expect(deadline.msLeft()).toBe(0);
  });
});
