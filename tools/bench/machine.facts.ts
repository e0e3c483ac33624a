import { mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { BenchContext } from './bench.context';

export interface MachineFacts {
  processor: string;
  cores: number;
  memoryMebibytes: number;
  kernel: string;
  node: string;
  /** Whether the data of Postgres is on a disk: in memory, fsync costs nothing. */
  onDisk: boolean;
}

const tmpfs = 0x01021994; // as statfs(2) calls it

export function machineFacts(): MachineFacts {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMebibytes: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    node: process.version,
    onDisk: statfsSync(tmpdir()).type !== tmpfs,
  };
}

/** Above every table: on what it was measured, and how durable that was. */
export function headerOf(
  machine: MachineFacts,
  postgres: Record<string, string>,
  gateway: Record<string, string>,
): string {
  return [
    `machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryMebibytes} MiB, Linux ${machine.kernel}, Node ${machine.node}; shared by all that follows`,
    ...(machine.onDisk
      ? []
      : ['WARNING: the data is in memory, so fsync costs nothing; set TMPDIR to a folder on a disk']),
    `Postgres, for all of them: ${list(postgres)}`,
    `gateway: ${list(gateway)}, else defaults`,
    '',
  ].join('\n');
}

/** Writes the figures where they were wanted. */
export function writeFigures(path: string, figures: object, { print }: BenchContext): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify({ at: new Date(), ...figures }, null, 2)}\n`);
  print(`all figures, turn by turn: ${path}\n`);
}

function list(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
