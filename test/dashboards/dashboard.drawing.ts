import type { TimeRange } from '../support/prometheus.server';
import { theme } from './colors';
import type { Frame } from './frame';
import type { PanelData } from './panel.data';
import { drawStat } from './stat.drawing';
import { element, fitted, fontSize, text } from './svg';
import { drawTimeseries } from './timeseries.drawing';

/** Grafana's grid: 24 columns, and rows that are as high as there. */
const columnWidth = 52;
const rowHeight = 38;
const gap = 8;
const headHeight = 40;
const titleHeight = 30;
const padding = 10;

/** Draws a dashboard as it would look for a time that has passed. @returns an SVG */
export function drawDashboard(title: string, panels: readonly PanelData[], range: TimeRange): string {
  const width = 24 * columnWidth + gap;
  const rows = Math.max(...panels.map(({ panel }) => panel.gridPos.y + panel.gridPos.h));
  const height = headHeight + rows * rowHeight + gap;
  const [from = '', to = ''] = [range.start, range.end].map((time) =>
    new Date(time * 1_000).toISOString().slice(0, 19).replace('T', ' '),
  );
  const right = { 'text-anchor': 'end', fill: theme.weakText };
  const svg = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${width} ${height}`,
      width,
      height,
      'font-family': 'Inter, Helvetica, Arial, sans-serif',
    },
    element('rect', { width, height, fill: theme.page }),
    text(title, gap + 2, 26, 17, { 'font-weight': 600, fill: theme.text }),
    text(`${from} to ${to.slice(11)} UTC`, width - gap - 2, 25, fontSize.title, right),
    ...panels.map((data) => `\n${drawPanel(data, range)}`),
    '\n',
  );
  return `${svg}\n`;
}

function drawPanel(data: PanelData, range: TimeRange): string {
  const { title, type, gridPos } = data.panel;
  const outer = {
    x: gap + gridPos.x * columnWidth,
    y: headHeight + gridPos.y * rowHeight,
    width: gridPos.w * columnWidth - gap,
    height: gridPos.h * rowHeight - gap,
  };
  const inner: Frame = {
    x: outer.x + padding,
    y: outer.y + titleHeight,
    width: outer.width - 2 * padding,
    height: outer.height - titleHeight - padding,
  };
  const name = fitted(title, fontSize.title, inner.width);
  const heading = text(name, inner.x, outer.y + 20, fontSize.title, { 'font-weight': 500, fill: theme.text });
  const box = element('rect', { ...outer, rx: 3, fill: theme.panel, stroke: theme.border });
  return element('g', {}, box, heading, drawContent(type, data, inner, range));
}

/** @throws Error if no dashboard of ours has had a panel of this type yet */
function drawContent(type: string, data: PanelData, frame: Frame, range: TimeRange): string {
  switch (type) {
    case 'stat':
      return drawStat(data, frame);
    case 'timeseries':
      return drawTimeseries(data, frame, range);
    default:
      throw new Error(`no dashboard has had a panel of the type ${type} yet: say how it is drawn`);
  }
}
