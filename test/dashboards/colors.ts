import type { Threshold } from '../deploy/monitoring.files';

/** Of Grafana's light theme. */
export const theme = {
  page: '#f4f5f5',
  panel: '#ffffff',
  border: '#e0e2e5',
  grid: '#ebedef',
  text: '#24292e',
  weakText: '#5f676f',
  onColor: '#ffffff',
} as const;

const named: Readonly<Record<string, string>> = {
  green: '#4c9a42',
  yellow: '#cfa500',
  orange: '#f2720c',
  red: '#e02f44',
  blue: '#3274d9',
};

/** One after the other, for series that have no colour of their own. */
const series = [
  '#56a64b',
  '#e0b400',
  '#3274d9',
  '#ff780a',
  '#e02f44',
  '#8f3bb8',
  '#1fa4b8',
  '#a0522d',
  '#6d7a86',
  '#c2459f',
  '#2f6b2f',
  '#705da0',
];

export function seriesColor(index: number): string {
  return series[index % series.length] ?? theme.text;
}

/** @throws Error if the drawing does not know the colour */
export function namedColor(name: string): string {
  const color = named[name];
  if (color === undefined) throw new Error(`the drawing has no colour ${name}`);
  return color;
}

/** What a value looks like by the thresholds, which ascend. */
export function thresholdColor(value: number, thresholds: readonly Threshold[]): string {
  const reached = thresholds.filter((threshold) => threshold.value === null || value >= threshold.value);
  return namedColor(reached.at(-1)?.color ?? 'green');
}
