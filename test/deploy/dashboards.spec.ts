import { describe, expect, it } from 'vitest';
import { documentedMetrics, readDashboards, readRules } from './monitoring.files';
import { familyOf, selectorsIn } from './promql';

const dashboards = readDashboards();
const { recording, alerts } = readRules();
const panels = dashboards.flatMap(({ file, panels }) => panels.map((panel) => ({ file, panel })));

const expressions = [
  ...panels.flatMap(({ panel }) => panel.targets.map(({ expr }) => expr)),
  ...[...recording, ...alerts].map(({ expr }) => expr),
];
const read = new Set(expressions.flatMap((expr) => selectorsIn(expr).map(({ metric }) => metric)));

describe('rules and dashboards', () => {
  it('read only metrics that exist', () => {
    const known = new Set([...documentedMetrics(), ...recording.map(({ record }) => record), 'up', 'ALERTS']);
    // prometheus.test.ts compares the metrics of HAProxy with a running one.
    const unknown = [...read].filter((name) => !known.has(familyOf(name)) && !name.startsWith('haproxy_'));
    expect(unknown).toEqual([]);
  });

  it('show every metric of the product', () => {
    const families = new Set([...read].map(familyOf));
    const ours = [...documentedMetrics()].filter((name) => name.startsWith('prism_'));
    expect(ours.length).toBeGreaterThan(20);
    expect(ours.filter((name) => !families.has(name))).toEqual([]);
  });

  it('record no unused series', () => {
    expect(recording.map(({ record }) => record).filter((name) => !read.has(name))).toEqual([]);
  });
});

describe.each(dashboards)('$file', (dashboard) => {
  it('uses the selected Prometheus, and one variable for links', () => {
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['datasource', 'runbook']),
    );
    for (const { datasource } of dashboard.panels)
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
  });

  it('has panels that do not overlap, on a grid of 24', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });

  it.each(dashboard.panels)('$title has a description, a unit and legends', (panel) => {
    expect(panel.description).toMatch(/\.$/);
    expect(panel.fieldConfig.defaults.unit).toMatch(/\S/);
    expect(panel.fieldConfig.defaults.thresholds?.steps.length).toBeGreaterThan(0);
    for (const { expr, legendFormat } of panel.targets) {
      // A single number needs no name.
      if (panel.type !== 'stat' || legendFormat !== '') expect(legendFormat, expr).toMatch(/\S/);
    }
  });
});
