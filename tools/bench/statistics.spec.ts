import { describe, expect, it } from 'vitest';
import { latencyOf, median, percentile, ratioOf } from './statistics';

const hundred = Array.from({ length: 100 }, (_, index) => index + 1);

describe('percentile', () => {
  it('is the nearest rank', () => {
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile([7], 0.5)).toBe(7);
  });

  it('throws without values', () => {
    expect(() => percentile([], 0.5)).toThrow('needs values');
  });
});

describe('median', () => {
  it('is the middle value in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([6])).toBe(6);
  });
});

describe('ratioOf', () => {
  it('compares turn by turn instead of totals', () => {
    expect(ratioOf([10, 30, 20], [5, 10, 4])).toEqual({ median: 3, least: 2, most: 5 });
  });

  it('ignores turns that the other workload lacks', () => {
    expect(ratioOf([10, 30], [5])).toEqual({ median: 2, least: 2, most: 2 });
  });
});

describe('latencyOf', () => {
  it('sorts the values', () => {
    expect(latencyOf(hundred.toReversed())).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
  });
});
