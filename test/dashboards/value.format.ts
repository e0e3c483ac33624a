type Step = readonly [from: number, suffix: string];

const seconds: readonly Step[] = [
  [86_400, ' d'],
  [3_600, ' h'],
  [60, ' min'],
  [1, ' s'],
  [1e-3, ' ms'],
  [1e-6, ' µs'],
];
const bytes: readonly Step[] = [
  [1 << 30, ' GiB'],
  [1 << 20, ' MiB'],
  [1 << 10, ' KiB'],
  [1, ' B'],
];
const thousands: readonly Step[] = [
  [1e6, ' M'],
  [1e3, ' K'],
  [1, ''],
];

/**
 * A value as Grafana writes it.
 * @param unit the name of a unit in Grafana, of those that our dashboards use
 * @param decimals how many there are; three digits that count if undefined
 * @throws Error if no dashboard of ours has had this unit yet
 */
export function formatValue(value: number, unit: string, decimals?: number): string {
  if (unit.startsWith('suffix:')) return `${rounded(value, decimals)}${unit.slice('suffix:'.length)}`;
  switch (unit) {
    case 's':
      return scaled(value, seconds, decimals);
    case 'bytes':
      return scaled(value, bytes, decimals);
    case 'short':
      return scaled(value, thousands, decimals);
    case 'reqps':
      return `${scaled(value, thousands, decimals)} req/s`;
    case 'ops':
      return `${scaled(value, thousands, decimals)} ops/s`;
    case 'percentunit':
      return `${rounded(value * 100, decimals)}%`;
    default:
      throw new Error(`no dashboard has had the unit ${unit} yet: say how it is written`);
  }
}

function scaled(value: number, steps: readonly Step[], decimals?: number): string {
  if (value === 0) return `0${steps.find(([from]) => from === 1)?.[1] ?? ''}`;
  const [from, suffix] = steps.find((step) => Math.abs(value) >= step[0]) ?? steps.at(-1) ?? [1, ''];
  return rounded(value / from, decimals) + suffix;
}

function rounded(value: number, decimals?: number): string {
  return decimals === undefined ? String(Number(value.toPrecision(3))) : value.toFixed(decimals);
}
