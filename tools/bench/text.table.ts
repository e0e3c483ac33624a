import type { Spread } from './statistics';

/** A table with right-aligned columns. @param leftColumns indexes of left-aligned columns */
export function aligned(lines: readonly (readonly string[])[], leftColumns: ReadonlySet<number>): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) => {
      const padded = cells.map((cell, column) =>
        leftColumns.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** The median and the range. */
export function spreadText(value: Spread | null): string {
  if (value === null) return '';
  const digits = value.median < 10 ? 2 : 1;
  return `${value.median.toFixed(digits)} (${value.least.toFixed(digits)}..${value.most.toFixed(digits)})`;
}

/** Empty for null. */
export function figure(value: number | null, digits: number): string {
  if (value === null) return '';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
