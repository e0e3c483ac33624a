import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const prometheusFolder = 'deploy/prometheus';
const dashboardFolder = 'deploy/grafana/dashboards';

export interface RecordingRule {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export interface Target {
  refId: string;
  expr: string;
  legendFormat: string;
}

/** The unit and the colors of a panel's values. */
interface FieldDefaults {
  unit?: string;
  thresholds?: { steps: unknown[] };
}

export interface Panel {
  id: number;
  title: string;
  description?: string;
  type: string;
  datasource: { type: string; uid: string };
  targets: Target[];
  fieldConfig: { defaults: FieldDefaults };
  gridPos: { x: number; y: number; w: number; h: number };
  links?: { title: string; url: string }[];
}

export interface Dashboard {
  file: string;
  uid: string;
  title: string;
  templating: { list: { name: string; type: string; definition?: string; allValue?: string }[] };
  panels: Panel[];
}

/** Every rule that is shipped. */
export function readRules(): { recording: RecordingRule[]; alerts: AlertRule[] } {
  const rules = readdirSync(join(prometheusFolder, 'rules')).flatMap((file) => {
    const text = readFileSync(join(prometheusFolder, 'rules', file), 'utf8');
    const { groups } = parse(text) as { groups: { rules: (RecordingRule | AlertRule)[] }[] }; // promtool has checked it
    return groups.flatMap((group) => group.rules);
  });
  return {
    recording: rules.filter((rule) => 'record' in rule),
    alerts: rules.filter((rule) => 'alert' in rule),
  };
}

/** Every dashboard that is shipped. */
export function readDashboards(): Dashboard[] {
  return readdirSync(dashboardFolder).map((file) => ({
    ...(JSON.parse(readFileSync(join(dashboardFolder, file), 'utf8')) as Omit<Dashboard, 'file'>), // of our own making
    file,
  }));
}

/** The names in the first column of the tables of `docs/metrics.md`. */
export function documentedMetrics(): Set<string> {
  const text = readFileSync('docs/metrics.md', 'utf8');
  return new Set([...text.matchAll(/^\| `([a-z]\w+)` +\| (?:counter|gauge|histogram)/gm)].map(([, name = '']) => name));
}

/** Whether a metric has series on a cluster only. test/cluster/node-metrics.test.ts reads these metrics. */
export function isOfCluster(metric: string): boolean {
  return metric.startsWith('prism_database_node_');
}
