import { stack } from 'd3-shape';
import type { NamedSeries } from './panel.data';

/** Where a line goes and what is below it: undefined where it is interrupted. */
export type Way = readonly (WayPoint | undefined)[];

export interface WayPoint {
  time: number;
  from: number;
  to: number;
}

/** Each line from zero, interrupted where it has no value for longer than a step, in seconds. */
export function besideEachOther(series: readonly NamedSeries[], step: number): Way[] {
  return series.map(({ points }) =>
    points.flatMap(([time, value], index) => {
      const before = points[index - 1]?.[0] ?? time;
      const point = { time, from: 0, to: value };
      return time - before > 1.5 * step ? [undefined, point] : [point];
    }),
  );
}

/** Each on top of those before it, where no value is nothing. */
export function onTopOfEachOther(series: readonly NamedSeries[]): Way[] {
  const values = series.map(({ points }) => new Map(points));
  const times = [...new Set(series.flatMap(({ points }) => points.map(([time]) => time)))].sort((a, b) => a - b);
  const layers = stack<number, number>()
    .keys(series.keys())
    .value((time, index) => values[index]?.get(time) ?? 0)(times);
  return layers.map((layer) => layer.map((point) => ({ time: point.data, from: point[0], to: point[1] })));
}
