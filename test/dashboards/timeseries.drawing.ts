import { type ScaleLinear, scaleLinear, type ScaleTime, scaleUtc } from 'd3-scale';
import { area, line } from 'd3-shape';
import type { FieldDefaults } from '../deploy/monitoring.files';
import type { TimeRange } from '../support/prometheus.server';
import { namedColor, seriesColor, theme } from './colors';
import type { Frame } from './frame';
import { layOutLegend, legendRowHeight, markWidth, type LegendEntry } from './legend.layout';
import { type PanelData, stepOf } from './panel.data';
import { besideEachOther, onTopOfEachOther, type Way, type WayPoint } from './series.way';
import { element, fontSize, text, textWidth } from './svg';
import { formatValue } from './value.format';

const legendRows = 5;
const timeAxisHeight = 18;
/** Room for half of the topmost and of the last label. */
const air = { top: 6, right: 14 };
const weak = { fill: theme.weakText };

/** The part of a panel that has the lines in it. */
interface Plot {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: ScaleTime<number, number>;
  y: ScaleLinear<number, number>;
}

/** Lines over time, or areas on top of each other, with axes and a legend. */
export function drawTimeseries({ panel, series }: PanelData, frame: Frame, range: TimeRange): string {
  const { defaults } = panel.fieldConfig;
  const stacked = defaults.custom?.stacking.mode === 'normal';
  const ways = stacked ? onTopOfEachOther(series) : besideEachOther(series, stepOf(range));
  const names = series.map(({ name }) => name);
  const legend = layOutLegend(names, frame.width, legendRows);
  const legendHeight = ((legend.at(-1)?.row ?? 0) + 1) * legendRowHeight;
  const plot = plotOf(ways, defaults, { ...frame, height: frame.height - legendHeight }, range);
  const opacity = (defaults.custom?.fillOpacity ?? 0) / 100;
  return [
    drawValues(plot, defaults.unit ?? 'short'),
    drawTimes(plot),
    ...ways.map((way, index) => drawWay(way, seriesColor(index), opacity, plot)),
    drawThresholds(plot, defaults),
    ...legend.map((entry) => drawName(entry, frame.x, frame.y + frame.height - legendHeight)),
  ].join('');
}

function plotOf(ways: readonly Way[], { unit = 'short', min }: FieldDefaults, frame: Frame, range: TimeRange): Plot {
  const values = ways.flat().flatMap((point) => (point === undefined ? [] : [point.to]));
  const low = Math.min(min ?? Infinity, ...values);
  const high = Math.max(...values);
  const [top, bottom] = [frame.y + air.top, frame.y + frame.height - timeAxisHeight];
  const y = scaleLinear([low, high > low ? high : low + 1], [bottom, top]).nice(5);
  const left = frame.x + Math.max(...y.ticks(5).map((value) => textWidth(formatValue(value, unit), fontSize.axis))) + 6;
  const right = frame.x + frame.width - air.right;
  return { left, right, top, bottom, x: scaleUtc([range.start * 1_000, range.end * 1_000], [left, right]), y };
}

function drawValues({ y, left, right }: Plot, unit: string): string {
  const rows = y.ticks(5).map((value) => {
    const label = formatValue(value, unit);
    return (
      rule(left, y(value), right, y(value), { stroke: theme.grid }) +
      text(label, left - 6, y(value) + 3.5, fontSize.axis, { 'text-anchor': 'end', ...weak })
    );
  });
  return rows.join('');
}

function drawTimes({ x, left, right, top, bottom }: Plot): string {
  const times = x.ticks(Math.max(2, Math.floor((right - left) / 90)));
  const inMinutes = times.every((time) => time.getUTCSeconds() === 0);
  const columns = times.map((time) => {
    const label = time.toISOString().slice(11, inMinutes ? 16 : 19);
    return (
      rule(x(time), top, x(time), bottom, { stroke: theme.grid }) +
      text(label, x(time), bottom + 13, fontSize.axis, { 'text-anchor': 'middle', ...weak })
    );
  });
  return columns.join('');
}

function drawWay(way: Way, color: string, opacity: number, { x, y }: Plot): string {
  const at = (point: WayPoint): number => x(point.time * 1_000);
  const there = (point: WayPoint | undefined): point is WayPoint => point !== undefined;
  // An interruption has no place of its own: it is not drawn.
  const edge = line<WayPoint | undefined>(
    (point) => (point ? at(point) : NaN),
    (point) => y(point?.to ?? NaN),
  );
  const surface = area<WayPoint | undefined>(
    (point) => (point ? at(point) : NaN),
    (point) => y(point?.from ?? NaN),
    (point) => y(point?.to ?? NaN),
  );
  const stroke = { fill: 'none', stroke: color, 'stroke-width': 1.4, 'stroke-linecap': 'round' };
  const filled =
    opacity === 0
      ? ''
      : element('path', { d: surface.defined(there).digits(1)([...way]) ?? '', fill: color, 'fill-opacity': opacity });
  return filled + element('path', { d: edge.defined(there).digits(1)([...way]) ?? '', ...stroke });
}

/** The limits that are in sight. */
function drawThresholds({ y, left, right }: Plot, { custom, thresholds }: FieldDefaults): string {
  if (custom?.thresholdsStyle?.mode !== 'line') return '';
  const [, highest = 0] = y.domain();
  const limits = (thresholds?.steps ?? []).map(({ value, color }) =>
    value === null || value > highest
      ? ''
      : rule(left, y(value), right, y(value), { stroke: namedColor(color), 'stroke-dasharray': '6 4' }),
  );
  return limits.join('');
}

function drawName({ text: name, x, row, series }: LegendEntry, left: number, top: number): string {
  const baseline = top + row * legendRowHeight + 12;
  if (series === undefined) return text(name, left + x, baseline, fontSize.legend, weak);
  const mark = { x: left + x, y: baseline - 5, width: markWidth - 6, height: 3, fill: seriesColor(series) };
  return element('rect', mark) + text(name, left + x + markWidth, baseline, fontSize.legend, weak);
}

function rule(x1: number, y1: number, x2: number, y2: number, style: Readonly<Record<string, string>>): string {
  return element('line', { x1, y1, x2, y2, ...style });
}
