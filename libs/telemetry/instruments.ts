import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, type Metric, type OpenMetricsContentType, Registry } from 'prom-client';
import { BatchHistogram } from './batch.histogram';

/** The values of a label: all of them, or a description if the program does not list them. */
type LabelValues = readonly string[] | string;
/** The labels of an instrument, each with its values. */
export type Labels<L extends string> = Readonly<Record<L, LabelValues>>;

/** A page of metrics as an HTTP response serves it. */
interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/**
 * The metrics registry of one app. Each module creates its instruments here and declares the values of their labels. Apps in
 * the same process share nothing.
 */
@Injectable()
export class Instruments {
  readonly registry = new Registry();
  private readonly labels = new Map<string, Labels<string>>();
  private exemplars = false;

  counter<L extends string>(name: string, help: string, labels: Labels<L>): Counter<L> {
    return new Counter({ ...this.describe(name, labels), name, help });
  }

  /** @param options.exemplars whether observations can have an exemplar: the trace of the request */
  histogram<L extends string>(
    name: string,
    help: string,
    labels: Labels<L>,
    buckets: readonly number[],
    options: { exemplars: boolean } = { exemplars: false },
  ): Histogram<L> {
    const { exemplars: enableExemplars } = options;
    this.exemplars ||= enableExemplars;
    const described = { ...this.describe(name, labels), name, help, buckets: [...buckets] };
    // prom-client does not accept a registry of the text format in the options of a histogram with exemplars.
    // The registry itself accepts the histogram.
    const histogram = new Histogram({ ...described, enableExemplars, registers: [] });
    this.registry.registerMetric(histogram);
    return histogram;
  }

  /** A histogram that takes many values per call. */
  batchHistogram<L extends string>(
    name: string,
    help: string,
    labels: Labels<L>,
    buckets: readonly number[],
  ): BatchHistogram<L> {
    this.labels.set(name, labels);
    return new BatchHistogram(name, help, buckets, this.registry);
  }

  /** @param collect updates the value before each scrape */
  gauge<L extends string>(
    name: string,
    help: string,
    labels: Labels<L>,
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L> {
    const gauge: Gauge<L> = new Gauge<L>({
      ...this.describe(name, labels),
      name,
      help,
      ...(collect && {
        collect(): void | Promise<void> {
          return collect(gauge);
        },
      }),
    });
    return gauge;
  }

  /** The declared labels of an instrument; undefined for the metrics of the Node.js process. */
  labelsOf(name: string): Labels<string> | undefined {
    return this.labels.get(name);
  }

  /** The current samples of a metric, keyed by what follows its name: `{result="ok"}` or `_sum{result="ok"}`. */
  async samples(name: string): Promise<Map<string, number>> {
    const text = await this.registry.getSingleMetricAsString(name);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  /**
   * The metrics in the Prometheus text format, or in the OpenMetrics format if there are exemplars, which only OpenMetrics can
   * express, and the client accepts it. Series have the same names and labels in both.
   *
   * @param accept the `Accept` header of the scrape
   */
  async page(accept: string | undefined): Promise<MetricsPage> {
    const openMetrics = this.exemplars && accept?.includes('application/openmetrics-text') === true;
    const registry = openMetrics ? this.openMetricsRegistry() : this.registry;
    return { contentType: registry.contentType, body: await registry.metrics() };
  }

  /** A registry of views: for OpenMetrics prom-client renames each counter in place, which must not affect the text format. */
  private openMetricsRegistry(): Registry<OpenMetricsContentType> {
    const registry = new Registry<OpenMetricsContentType>();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    for (const metric of this.registry.getMetricsAsArray()) registry.registerMetric(viewOf(metric));
    return registry;
  }

  private describe<L extends string>(name: string, labels: Labels<L>): { labelNames: L[]; registers: Registry[] } {
    this.labels.set(name, labels);
    return { labelNames: Object.keys(labels) as L[], registers: [this.registry] }; // The keys of a record of L are L.
  }
}

/** An object with the metric as its prototype: reads reach the metric, writes do not. */
function viewOf(metric: unknown): Metric {
  return Object.create(metric as Metric) as Metric; // A registry contains only metrics, and a view has their members.
}
