import { fitted, fontSize, textWidth } from './svg';

export interface LegendEntry {
  text: string;
  /** From the left end of the legend, in pixels. */
  x: number;
  row: number;
  /** Which series it stands for; undefined for what says how many have no room. */
  series: number | undefined;
}

export const legendRowHeight = 16;
/** The stroke before a name. */
export const markWidth = 18;
const gap = 14;

/** Sets names in rows. Those that do not fit in the last row are counted there. */
export function layOutLegend(names: readonly string[], width: number, maxRows: number): LegendEntry[] {
  const entries: LegendEntry[] = [];
  let [x, row] = [0, 0];
  for (const [series, name] of names.entries()) {
    const text = fitted(name, fontSize.legend, width - markWidth);
    const taken = markWidth + textWidth(text, fontSize.legend);
    if (x > 0 && x + taken > width) [x, row] = [0, row + 1];
    if (row === maxRows) return [...withRoom(entries, width, maxRows - 1, names.length)];
    entries.push({ text, x, row, series });
    x += taken + gap;
  }
  return entries;
}

/** Takes the last names away until what says so has room. */
function withRoom(entries: readonly LegendEntry[], width: number, row: number, total: number): LegendEntry[] {
  for (let kept = entries.length; ; kept -= 1) {
    const text = `and ${total - kept} more`;
    const before = entries[kept - 1];
    const used = before?.row === row ? before.x + markWidth + textWidth(before.text, fontSize.legend) + gap : 0;
    if (used === 0 || used + textWidth(text, fontSize.legend) <= width)
      return [...entries.slice(0, kept), { text, x: used, row, series: undefined }];
  }
}
