import { describe, expect, it } from 'vitest';
import { growthOf, type Retained } from './retained';

function readings(...mebibytes: number[]): Retained[] {
  return mebibytes.map((residentBytes, index) => ({
    batches: 2_000 * (index + 1),
    residentBytes,
    heapBytes: 0,
    externalBytes: 0,
  }));
}

const resident = ({ residentBytes }: Retained): number => residentBytes;

describe('growthOf', () => {
  it('is 1 if memory goes up and down', () => {
    expect(growthOf(readings(100, 104, 100, 104, 100, 104, 100), resident)).toBeCloseTo(1);
  });

  it('is larger if every batch leaks memory', () => {
    expect(growthOf(readings(100, 110, 120, 130, 140), resident)).toBeCloseTo(1 + 40 / 120);
  });

  it('is not changed by one outlier', () => {
    expect(growthOf(readings(100, 100, 100, 100, 180), resident)).toBe(1);
  });
});
