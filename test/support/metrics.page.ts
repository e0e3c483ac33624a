/** A value of a metric. */
export interface Sample {
  name: string;
  labels: Partial<Record<string, string | number>>;
  value: number;
}

/** Reads a page in the Prometheus text format. */
export function samplesOf(page: string): Sample[] {
  return [...page.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)].map(([, name = '', labels = '', value = '']) => {
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text]);
    return { name, labels: Object.fromEntries(pairs) as Sample['labels'], value: Number(value) }; // of the pairs above
  });
}
