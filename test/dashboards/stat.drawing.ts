import { theme, thresholdColor } from './colors';
import type { Frame } from './frame';
import type { NamedSeries, PanelData } from './panel.data';
import { element, fitted, fontSize, text, textWidth } from './svg';
import { formatValue } from './value.format';

const gap = 4;
const largest = 30;

/** Numbers, each on a tile of its own, coloured by the thresholds. */
export function drawStat(data: PanelData, frame: Frame): string {
  const columns = Math.ceil(Math.sqrt(data.series.length));
  const rows = Math.ceil(data.series.length / columns);
  const width = (frame.width - gap * (columns - 1)) / columns;
  const height = (frame.height - gap * (rows - 1)) / rows;
  return data.series
    .map((series, index) => {
      const x = frame.x + (index % columns) * (width + gap);
      const y = frame.y + Math.floor(index / columns) * (height + gap);
      return drawTile(data, series, { x, y, width, height });
    })
    .join('');
}

function drawTile({ panel }: PanelData, series: NamedSeries, { x, y, width, height }: Frame): string {
  const { unit = 'short', decimals, thresholds } = panel.fieldConfig.defaults;
  const value = series.points.at(-1)?.[1] ?? NaN;
  const color = thresholdColor(value, thresholds?.steps ?? []);
  const filled = panel.options.colorMode === 'background';
  const named = panel.options.textMode === 'value_and_name';
  const written = formatValue(value, unit, decimals);
  const room = { width: width - 16, height: height - (named ? fontSize.legend + 12 : 12) };
  const size = Math.min(largest, room.height, room.width / textWidth(written, 1));
  const fill = filled ? theme.onColor : color;
  const middle = { 'text-anchor': 'middle', fill };
  const baseline = y + height / 2 + size * 0.36 + (named ? (fontSize.legend + 4) / 2 : 0);
  return [
    filled ? element('rect', { x, y, width, height, rx: 3, fill: color }) : '',
    named ? text(fitted(series.name, fontSize.legend, room.width), x + width / 2, y + 16, fontSize.legend, middle) : '',
    text(written, x + width / 2, baseline, size, { ...middle, 'font-weight': 600 }),
  ].join('');
}
