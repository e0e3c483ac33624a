import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { BatchHistogram } from './batch.histogram';

/** The values of a label: all of them, or, where the program's routes make the set, words that say which. */
export type LabelValues = readonly string[] | string;
export type Labels<L extends string> = Readonly<Record<L, LabelValues>>;

/** Makes instruments in a registry of its own and remembers which values their labels take. */
export class Instruments {
  readonly registry = new Registry();
  private readonly labels = new Map<string, Labels<string>>();

  counter<L extends string>(name: string, help: string, labels: Labels<L>): Counter<L> {
    return new Counter({ ...this.describe(name, labels), name, help });
  }

  histogram<L extends string>(name: string, help: string, labels: Labels<L>, buckets: readonly number[]): Histogram<L> {
    return new Histogram({ ...this.describe(name, labels), name, help, buckets: [...buckets] });
  }

  /** A histogram for many values at a time. */
  batchHistogram<L extends string>(
    name: string,
    help: string,
    labels: Labels<L>,
    buckets: readonly number[],
  ): BatchHistogram<L> {
    this.labels.set(name, labels);
    return new BatchHistogram(name, help, buckets, this.registry);
  }

  /** @param collect brings the value up to date before it is read */
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

  /** The labels of one of our instruments; undefined for one that prom-client made. */
  labelsOf(name: string): Labels<string> | undefined {
    return this.labels.get(name);
  }

  private describe<L extends string>(name: string, labels: Labels<L>): { labelNames: L[]; registers: Registry[] } {
    this.labels.set(name, labels);
    return { labelNames: Object.keys(labels) as L[], registers: [this.registry] }; // the keys of a record of L are L
  }
}
