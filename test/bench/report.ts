import type { Fairness } from './fairness';
import type { Contestant } from './contestants';
import { median, ratioOf, type Spread } from './statistics';
import { better, type Target } from './targets';
import type { Entrant } from './tournament';
import type { Turn } from './turn';

/** The figures of a row: medians over its turns. */
export interface Row extends Pick<Contestant, 'name' | 'what' | 'callers' | 'itemsPerBatch'> {
  itemsPerSecond: number | null;
  batchesPerSecond: number;
  latencyMs: { p50: number; p95: number; p99: number };
  serviceMicros: number | null;
  postgresMicros: number | null;
  walBytesPerItem: number | null;
  peakBytes: number | null;
  cores: Record<string, number>;
  /** Items a second to those of others, turn by turn. */
  toPgbench: Spread | null;
  toTextbook: Spread | null;
  limit: string;
  turns: Turn[];
}

export function rowsOf(entrants: readonly Entrant[], coreCount: number): Row[] {
  const ratesOf = (name: string): number[] =>
    rates(entrants.find((each) => each.contestant.name === name)?.turns ?? []);
  const pgbench = ratesOf('pgbench');
  const textbook = better(ratesOf('textbook-loop'), ratesOf('textbook-all'));
  return entrants.map(({ contestant, turns }) => {
    const over = (figure: (turn: Turn) => number): number => median(turns.map(figure));
    const present = (figure: (turn: Turn) => number | null): number | null => {
      const values = turns.map(figure).filter((value) => value !== null);
      return values.length === 0 ? null : median(values);
    };
    const own = rates(turns);
    const names = Object.keys(turns[0]?.cores ?? {});
    const cores = Object.fromEntries(names.map((name) => [name, over((turn) => turn.cores[name] ?? 0)]));
    const { name, what, callers, itemsPerBatch } = contestant;
    return {
      ...{ name, what, callers, itemsPerBatch },
      itemsPerSecond: present(({ itemsPerSecond }) => itemsPerSecond),
      batchesPerSecond: over(({ batchesPerSecond }) => batchesPerSecond),
      latencyMs: {
        p50: over(({ latencyMs }) => latencyMs.p50),
        p95: over(({ latencyMs }) => latencyMs.p95),
        p99: over(({ latencyMs }) => latencyMs.p99),
      },
      serviceMicros: present(({ serviceMicros }) => serviceMicros),
      postgresMicros: present(({ postgresMicros }) => postgresMicros),
      walBytesPerItem: present(({ walBytesPerItem }) => walBytesPerItem),
      peakBytes: present(({ peakBytes }) => peakBytes),
      cores,
      toPgbench: own.length > 0 && pgbench.length > 0 ? ratioOf(own, pgbench) : null,
      toTextbook: own.length > 0 && textbook.length > 0 ? ratioOf(own, textbook) : null,
      limit: limitOf(cores, coreCount),
      turns,
    };
  });
}

/** What there was no more of: a core for a program that uses one, cores at all (and who has most of them), or neither. */
export function limitOf(cores: Readonly<Record<string, number>>, coreCount: number): string {
  const { machine = 0, postgres = 0, ...single } = cores;
  const [busiest = ['none', 0]] = Object.entries(single).sort(([, a], [, b]) => b - a);
  if (busiest[0] !== 'haproxy' && busiest[1] >= 0.9) return busiest[0];
  if (machine < 0.93 * coreCount) return 'waiting';
  const services = Object.values(single).reduce((sum, each) => sum + each, 0);
  const shares = { postgres, services, others: machine - postgres - services };
  const [most = ['none']] = Object.entries(shares).sort(([, a], [, b]) => b - a);
  return `cores: ${most[0]}`;
}

export function tableOf(rows: readonly Row[]): string {
  const titles = [
    ...['row', 'callers', 'items/s', 'x pgbench', 'x textbook', 'p50 ms', 'p95 ms', 'p99 ms'],
    ...['service us', 'postgres us', 'WAL B', 'peak MiB', 'cores s+p/all', 'limit'],
  ];
  const cells = rows.map((row) => {
    const { machine = 0, postgres = 0, ...services } = row.cores;
    const serviceCores = Object.values(services).reduce((sum, each) => sum + each, 0);
    return [
      row.name,
      String(row.callers),
      row.itemsPerSecond === null ? `(${figure(row.batchesPerSecond, 0)} req/s)` : figure(row.itemsPerSecond, 0),
      spread(row.toPgbench),
      spread(row.toTextbook),
      figure(row.latencyMs.p50, 2),
      figure(row.latencyMs.p95, 2),
      figure(row.latencyMs.p99, 2),
      figure(row.serviceMicros, 1),
      figure(row.postgresMicros, 1),
      figure(row.walBytesPerItem, 0),
      figure(row.peakBytes === null ? null : row.peakBytes / 2 ** 20, 0),
      `${serviceCores.toFixed(2)}+${postgres.toFixed(2)}/${machine.toFixed(2)}`,
      row.limit,
    ];
  });
  return aligned([titles, ...cells], new Set([0, titles.length - 1]));
}

/** Which process takes how much, where there is more than a service and Postgres. */
export function coresText(rows: readonly Row[]): string {
  return rows
    .filter(({ cores }) => Object.keys(cores).length > 3)
    .map(({ name, cores: { machine = 0, ...programs } }) => {
      const shares = Object.entries(programs).map(([program, share]) => `${program} ${share.toFixed(2)}`);
      return `cores used, ${name}: ${shares.join(', ')}; of ${machine.toFixed(2)} in use\n`;
    })
    .join('');
}

export function legendOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}\n`).join('');
}

export function fairnessText(measured: readonly Fairness[]): string {
  return measured
    .map(
      ({ heavyConnections, aloneMs, besideMs, ratio }) =>
        `p99 of a single item: ${figure(aloneMs.median, 2)} ms alone, ${figure(besideMs.median, 2)} ms beside a caller with ` +
        `${heavyConnections} batch${heavyConnections === 1 ? '' : 'es'} of 100 in flight: ${spread(ratio)} x\n`,
    )
    .join('');
}

export function targetText(targets: readonly Target[]): string {
  const lines = targets.map(({ what, bound, wanted, unit, reached, met }) => [
    met ? 'met' : 'MISSED',
    what,
    `${bound === 'least' ? '>=' : '<='} ${wanted} ${unit}`,
    spread(reached),
  ]);
  return aligned(lines, new Set([0, 1]));
}

function rates(turns: readonly Turn[]): number[] {
  return turns.map(({ itemsPerSecond }) => itemsPerSecond).filter((rate) => rate !== null);
}

/** The median, and between what it lay. */
function spread(value: Spread | null): string {
  if (value === null) return '';
  const digits = value.median < 10 ? 2 : 1;
  return `${value.median.toFixed(digits)} (${value.least.toFixed(digits)}..${value.most.toFixed(digits)})`;
}

function figure(value: number | null, digits: number): string {
  if (value === null) return '';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Columns as wide as their longest cell; figures stand to the right. */
function aligned(lines: readonly (readonly string[])[], leftColumns: ReadonlySet<number>): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  return lines
    .map((cells) => {
      const padded = cells.map((cell, column) =>
        leftColumns.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `${padded.join('  ').trimEnd()}\n`;
    })
    .join('');
}
