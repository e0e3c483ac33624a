import { describe, expect, it } from 'vitest';
import { besideEachOther, onTopOfEachOther } from './series.way';

describe('lines beside each other', () => {
  it('are interrupted where there was no value, and only there', () => {
    const [way] = besideEachOther(
      [
        {
          name: 'a',
          points: [
            [0, 1],
            [3, 2],
            [9, 3],
          ],
        },
      ],
      3,
    );
    expect(way).toEqual([
      { time: 0, from: 0, to: 1 },
      { time: 3, from: 0, to: 2 },
      undefined,
      { time: 9, from: 0, to: 3 },
    ]);
  });
});

describe('areas on top of each other', () => {
  it('begin where the one below ends, which is nothing where it has no value', () => {
    const [first, second] = onTopOfEachOther([
      { name: 'a', points: [[0, 1]] },
      {
        name: 'b',
        points: [
          [0, 2],
          [3, 5],
        ],
      },
    ]);
    expect(first?.map((point) => point?.to)).toEqual([1, 0]);
    expect(second).toEqual([
      { time: 0, from: 1, to: 3 },
      { time: 3, from: 0, to: 5 },
    ]);
  });
});
