import { describe, expect, it } from 'vitest';
import { layOutLegend, markWidth } from './legend.layout';
import { fontSize, textWidth } from './svg';

const long = 'POST /v2/prism/:team/:object/batch/update';

describe('a legend', () => {
  it('goes on in the next row where a name has no room', () => {
    const entries = layOutLegend(['p50', 'p95', 'p99'], 110, 4);
    expect(entries.map(({ row }) => row)).toEqual([0, 0, 1]);
    expect(entries[2]?.x).toBe(0);
  });

  it('shortens a name that is longer than a row', () => {
    const [entry] = layOutLegend([long], 120, 4);
    expect(entry?.text).toMatch(/^POST.*…$/);
  });

  it('counts what has no room, and never leaves its width', () => {
    const names = Array.from({ length: 30 }, (_, n) => `series ${n}`);
    const entries = layOutLegend(names, 300, 3);
    const shown = entries.filter(({ series }) => series !== undefined);
    expect(entries.at(-1)).toMatchObject({ text: `and ${30 - shown.length} more`, row: 2 });
    expect(shown.length).toBeGreaterThan(5);
    for (const { text, x, series } of entries) {
      const mark = series === undefined ? 0 : markWidth;
      expect(x + mark + textWidth(text, fontSize.legend)).toBeLessThanOrEqual(300);
    }
  });

  it('counts in a row of its own where only long names were', () => {
    const entries = layOutLegend([long, long, long], 280, 2);
    expect(entries.map(({ text, row }) => [text, row])).toEqual([
      [long, 0],
      ['and 2 more', 1],
    ]);
  });
});
