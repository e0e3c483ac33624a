/** A span, and the trace that it is in. */
export interface TracePosition {
  readonly traceId: string;
  readonly spanId: string;
}

/** A value that was measured, and the trace that shows how it came about. */
interface Exemplar extends TracePosition {
  readonly value: number;
  /** Seconds since 1970. */
  readonly time: number;
}

type SeriesLabels = Readonly<Partial<Record<string, string | number>>>;

/** The latest exemplar of each bucket of one histogram: as many as it has series and buckets. */
export class Exemplars {
  private readonly series = new Map<string, (Exemplar | undefined)[]>();

  /** @param bounds of the histogram's buckets, upwards; the one above them all is added */
  constructor(
    readonly histogram: string,
    private readonly bounds: readonly number[],
  ) {}

  cacheable(labels: SeriesLabels, value: number, { traceId, spanId }: TracePosition): void {
    const name = nameOf(labels);
    let buckets = this.series.get(name);
    if (buckets === undefined) this.series.set(name, (buckets = []));
    const bucket = this.bounds.findIndex((bound) => value <= bound);
    buckets[bucket === -1 ? this.bounds.length : bucket] = { traceId, spanId, value, time: Date.now() / 1_000 };
  }

  /** Of a line of the histogram: one of its buckets, as the label `le` says. */
  of(metricName: string, { le, ...labels }: SeriesLabels): Exemplar | undefined {
    if (metricName !== `${this.histogram}_bucket` || le === undefined) return undefined;
    const bucket = le === '+Inf' ? this.bounds.length : this.bounds.indexOf(Number(le));
    return this.series.get(nameOf(labels))?.[bucket];
  }
}

function nameOf(labels: SeriesLabels): string {
  return Object.keys(labels)
    .sort()
    .map((label) => labels[label])
    .join(' ');
}
