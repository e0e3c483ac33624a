/** One line of a metrics page. */
export interface Sample {
  name: string;
  /** As written, with the braces; empty if there are none. */
  labels: string;
  value: number;
  type: string;
}

/** Reads a page in the Prometheus text format. */
export function samplesOf(page: string): Sample[] {
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of page.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (\w+)/.exec(line) ?? [];
    if (typed !== undefined && type !== undefined) types.set(typed, type);
    const [, name, labels = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) continue;
    samples.push({ name, labels, value: Number(value), type: types.get(name) ?? 'untyped' });
  }
  return samples;
}
