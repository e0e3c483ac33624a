import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Exemplars } from './exemplars';

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

type Metric = MetricObjectWithValues<MetricValue<string>>;
type Sample = MetricValue<string> & { readonly metricName?: string };

/** Whether who asks can read OpenMetrics, going by its `Accept`. */
export function readsOpenMetrics(accept: string | undefined): boolean {
  return accept?.includes('application/openmetrics-text') === true;
}

/**
 * The metrics in the OpenMetrics format, in which a line may have an exemplar. Series have the same names and labels as in
 * Prometheus' own format. (prom-client writes it too, but changes the names of counters for good while it does.)
 */
export function openMetricsPage(metrics: readonly Metric[], exemplars: Exemplars): string {
  return `${metrics.map((metric) => familyText(metric, exemplars)).join('')}# EOF\n`;
}

function familyText({ name, help, type: declared, values }: Metric, exemplars: Exemplars): string {
  const type = String(declared); // typed as a number, but it is a word
  const family = type === 'counter' ? name.replace(/_total$/, '') : name;
  const lines = values.map((sample) => line(type === 'counter' ? `${family}_total` : name, sample, exemplars));
  return `# HELP ${family} ${escaped(help)}\n# TYPE ${family} ${type}\n${lines.join('')}`;
}

function line(name: string, { metricName = name, labels, value }: Sample, exemplars: Exemplars): string {
  const exemplar = exemplars.of(metricName, labels);
  const trace =
    exemplar &&
    ` # ${labelText({ trace_id: exemplar.traceId, span_id: exemplar.spanId })} ${exemplar.value} ${exemplar.time.toFixed(3)}`;
  return `${metricName}${labelText(labels)} ${numberText(value)}${trace ?? ''}\n`;
}

function labelText(labels: Readonly<Partial<Record<string, string | number>>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? '' : `{${pairs.join()}}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}
