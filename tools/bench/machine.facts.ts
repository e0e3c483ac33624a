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
  /** Whether the data of Postgres is on a disk: on tmpfs, fsync costs nothing. */
  onDisk: boolean;
}

const tmpfs = 0x01021994; // TMPFS_MAGIC of statfs(2)

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

/** The header of every report: machine and durability. */
export function headerOf(
  machine: MachineFacts,
  postgres: Record<string, string>,
  gateway: Record<string, string>,
): string {
  return [
    `machine: ${machine.processor}, ${machine.cores} cores, ${machine.memoryMebibytes} MiB, Linux ${machine.kernel}, Node ${machine.node}; shared by all programs`,
    ...(machine.onDisk
      ? []
      : ['WARNING: the data is in memory, so fsync costs nothing; set TMPDIR to a folder on a disk']),
    `Postgres, for all workloads: ${list(postgres)}`,
    `gateway: ${list(gateway)}, otherwise defaults`,
    '',
  ].join('\n');
}

/** Writes the figures to a JSON file. */
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
