import type { Fairness } from './fairness';
import type { Row } from './rows';
import type { Target } from './targets';
import { aligned, figure, spreadText } from './text.table';
import type { CoreUse } from './turn';

export function comparisonTable(rows: readonly Row[]): string {
  const titles = [
    ...['row', 'callers', 'items/s', 'x pgbench', 'x textbook', 'p50 ms', 'p95 ms', 'p99 ms'],
    ...['service us', 'postgres us', 'WAL B', 'ledger B', 'peak MiB', 'cores s+p/all', 'limit'],
  ];
  const cells = rows.map((row) => {
    const { postgres, machine } = row.cores;
    return [
      row.name,
      String(row.callers),
      row.itemsPerSecond === null ? `(${figure(row.batchesPerSecond, 0)} req/s)` : figure(row.itemsPerSecond, 0),
      spreadText(row.toPgbench),
      spreadText(row.toTextbook),
      figure(row.latencyMs.p50, 2),
      figure(row.latencyMs.p95, 2),
      figure(row.latencyMs.p99, 2),
      figure(row.serviceMicros, 1),
      figure(row.postgresMicros, 1),
      figure(row.walBytesPerItem, 0),
      figure(row.ledgerBytesPerItem, 0),
      figure(row.peakBytes === null ? null : row.peakBytes / 2 ** 20, 0),
      `${serviceCores(row.cores).toFixed(2)}+${postgres.toFixed(2)}/${machine.toFixed(2)}`,
      row.limit,
    ];
  });
  return aligned([titles, ...cells], new Set([0, titles.length - 1]));
}

/** The gain of a second gateway, and the cores per program. */
export function secondGatewayText(rows: readonly Row[]): string {
  return rows
    .filter(({ toOneGateway }) => toOneGateway !== null)
    .map(({ name, toOneGateway, limit, cores }) => {
      const programs = { ...cores.services, postgres: cores.postgres, 'load generator': cores.load };
      const known = Object.values(programs).reduce((sum, each) => sum + each, 0);
      const shares = Object.entries({ ...programs, others: cores.machine - known });
      const used = shares.map(([program, share]) => `${program} ${share.toFixed(2)}`).join(', ');
      return (
        `${name}: ${spreadText(toOneGateway)} x the batches a second of one gateway; the limit is then ${limit}\n` +
        `  cores used: ${used}; of ${cores.machine.toFixed(2)}\n`
      );
    })
    .join('');
}

/** A description of each row, with the configuration of baselines. */
export function legendOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .flatMap(({ name, what, note }) => [[name, what], ...(note === null ? [] : [['', note]])])
    .map(([name = '', text = '']) => `  ${name.padEnd(width)}  ${text}\n`)
    .join('');
}

export function fairnessText(measured: readonly Fairness[]): string {
  return measured
    .map(
      ({ neighbor, aloneMs, besideMs, ratio }) =>
        `p99 of a single item: ${figure(aloneMs.median, 2)} ms alone, ${figure(besideMs.median, 2)} ms beside ` +
        `${neighbor}: ${spreadText(ratio)} x\n`,
    )
    .join('');
}

export function targetText(targets: readonly Target[]): string {
  const lines = targets.map(({ what, bound, wanted, unit, reached, met }) => [
    met ? 'met' : 'MISSED',
    what,
    `${bound === 'least' ? '>=' : '<='} ${wanted} ${unit}`,
    spreadText(reached),
  ]);
  return aligned(lines, new Set([0, 1]));
}

function serviceCores({ services }: CoreUse): number {
  return Object.values(services).reduce((sum, each) => sum + each, 0);
}
