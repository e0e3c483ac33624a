import type { Panel } from '../deploy/monitoring.files';
import { legendOf, substituted } from '../deploy/panel.query';
import type { PrometheusServer, Sample, TimeRange } from '../support/prometheus.server';

/** One line, or one number. */
export interface NamedSeries {
  name: string;
  /** Unix time in seconds, ascending, and the value then: only where there was one. */
  points: readonly (readonly [time: number, value: number])[];
}

/** A panel, and what its queries gave. */
export interface PanelData {
  panel: Panel;
  series: readonly NamedSeries[];
}

/** How many values a line has. */
const POINTS = 100;

/**
 * Asks what the panel asks: for a stat what is now, else what was in the range.
 * @param client a regular expression of clients' names
 * @throws Error with the panel and its query, if that has no data
 */
export async function readPanel(
  prometheus: PrometheusServer,
  panel: Panel,
  range: TimeRange,
  client: string,
): Promise<PanelData> {
  const series: NamedSeries[] = [];
  for (const { expr, legendFormat } of panel.targets) {
    const expression = substituted(expr, client);
    const found =
      panel.type === 'stat'
        ? (await prometheus.query(expression)).map(({ metric, value }) => ({ metric, values: [value] }))
        : await prometheus.queryRange(expression, range, stepOf(range));
    const named = found
      .map(({ metric, values }) => ({ name: legendOf(legendFormat, metric), points: finite(values) }))
      .filter(({ points }) => points.length > 0);
    if (named.length === 0) throw new Error(`the panel ${panel.title} has no data: ${expression}`);
    series.push(...named);
  }
  return { panel, series };
}

/** The seconds from one value of a line to the next. */
export function stepOf({ start, end }: TimeRange): number {
  return (end - start) / POINTS;
}

function finite(values: readonly Sample['value'][]): NamedSeries['points'] {
  return values.map(([time, value]) => [time, Number(value)] as const).filter(([, value]) => Number.isFinite(value));
}
