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
    [1_000, [825, 875, 900, 1_000]],
    [10_000, [9_650, 9_850, 9_900, 10_000]],
    [30_000, [29_650, 29_850, 29_900, 30_000]],
    [100, [67.5, 87.5, 90, 100]],
    [15, [0, 13.125, 13.5, 15]],
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
    expect(deadline.msLeft('execute')).toBe(425);
    vi.advanceTimersByTime(500);
    expect([deadline.msLeft(), deadline.msLeft('execute')]).toEqual([100, 0]);
    vi.advanceTimersByTime(500);
    expect(deadline.msLeft()).toBe(0);
  });
});
