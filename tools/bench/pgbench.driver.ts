import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command';
import { sourceFile } from '../../test/support/repository.files';
import { type Load, nextSeed } from './load';
import { idPrefix } from './organizations';
import { latencyOf } from './statistics';

export interface PgbenchWork {
  /** Path of the program, of the same version as the server. */
  pgbench: string;
  port: number;
  script: 'update_item' | 'update_atomic';
  connections: number;
  teamId: string;
  records: number;
  /** The share of transactions whose latency is logged. */
  sampled: number;
  /** Folder for its log files. */
  folder: string;
}

/**
 * Repeats one prepared statement, each time in its own transaction.
 *
 * @throws ToolMissing
 * @throws Error if a transaction fails
 */
export async function drivePgbench(work: PgbenchWork, seconds: number, signal: AbortSignal): Promise<Load> {
  const folder = mkdtempSync(join(work.folder, 'pgbench-'));
  try {
    const output = await run(
      work.pgbench,
      [
        ...['-h', '127.0.0.1', '-p', String(work.port), '-U', 'postgres'],
        ...['-n', '-M', 'prepared', '-f', sourceFile(`tools/bench/sql/${work.script}.sql`)],
        ...['-c', String(work.connections), '-j', String(Math.min(2, work.connections)), '-T', String(seconds)],
        ...['-D', `team=${work.teamId}`, '-D', `prefix=${idPrefix}`, '-D', `records=${work.records}`],
        ...['-l', '--log-prefix', join(folder, 'latency'), '--sampling-rate', String(work.sampled)],
        `--random-seed=${nextSeed()}`,
        'postgres',
      ],
      { signal },
    );
    const latencies = readdirSync(folder).flatMap((name) => latenciesOf(readFileSync(join(folder, name), 'utf8')));
    return { ...countOf(output), latencyMs: latencyOf(latencies) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Reads the summary. @throws Error if a transaction failed or a connection was lost */
export function countOf(output: string): Pick<Load, 'batches' | 'seconds'> {
  const read = (pattern: RegExp): number => {
    const text = pattern.exec(output)?.[1];
    if (text === undefined) throw new Error(`pgbench printed no summary:\n${output}`);
    return Number(text);
  };
  // PostgreSQL 14 has no such line: there a failure ends pgbench.
  if (output.includes('number of failed transactions') && read(/^number of failed transactions: (\d+)/m) > 0) {
    throw new Error(`transactions of pgbench failed:\n${output}`);
  }
  const batches = read(/^number of transactions actually processed: (\d+)/m);
  return { batches, seconds: batches / read(/^tps = ([\d.]+) \(without initial connection time\)/m) };
}

/** Latencies in milliseconds, from the lines of a log: the third field is the duration in microseconds. */
export function latenciesOf(log: string): number[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split(' ')[2]) / 1e3);
}
