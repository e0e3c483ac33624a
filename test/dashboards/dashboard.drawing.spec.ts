import { describe, expect, it } from 'vitest';
import { readDashboards } from '../deploy/monitoring.files';
import { drawDashboard } from './dashboard.drawing';
import type { PanelData } from './panel.data';
import { escaped } from './svg';

const range = { start: 1_800_000_000, end: 1_800_000_300 };
const dashboards = readDashboards();

/** What a Prometheus might have answered: two series, one of which has a gap. */
function anything(panel: PanelData['panel']): PanelData {
  const times = Array.from({ length: 101 }, (_, n) => range.start + 3 * n);
  return {
    panel,
    series: [
      { name: 'first <&>', points: times.map((time, n) => [time, n / 50] as const) },
      { name: 'second', points: times.filter((_, n) => n % 20 > 5).map((time) => [time, 0.5] as const) },
    ],
  };
}

describe.each(dashboards)('$file', ({ title, panels }) => {
  const svg = drawDashboard(title, panels.map(anything), range);

  it('is drawn with the title of every panel', () => {
    for (const panel of panels) expect(svg).toContain(`>${escaped(panel.title)}</text>`);
  });

  it('is drawn the same from the same', () => {
    expect(drawDashboard(title, panels.map(anything), range)).toBe(svg);
  });

  it('has numbers only, and what Prometheus said as text', () => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined|null/);
    expect(svg).toContain('first &lt;&amp;&gt;');
    expect(svg).not.toContain('first <');
  });

  it('keeps within its sheet', () => {
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? [];
    for (const [, x, y] of svg.matchAll(/ x="([-\d.]+)" y="([-\d.]+)"/g)) {
      expect(Number(x)).toBeGreaterThanOrEqual(0);
      expect(Number(x)).toBeLessThan(Number(width));
      expect(Number(y)).toBeLessThan(Number(height));
    }
  });
});

it('a panel of a type that nobody has thought of is refused', () => {
  const [panel] = dashboards.flatMap(({ panels }) => panels);
  if (panel === undefined) throw new Error('there is no panel');
  expect(() => drawDashboard('Any', [anything({ ...panel, type: 'heatmap' })], range)).toThrow('heatmap');
});
