import { cpus } from 'node:os';
import type { Contestant } from './contestants';
import type { Latency } from './load';
import type { PostgresMeter } from './postgres.meter';
import { machineCpuSeconds } from './process.usage';

/** What came of one turn. What there is none of is null. */
export interface Turn {
  batches: number;
  seconds: number;
  itemsPerSecond: number | null;
  batchesPerSecond: number;
  latencyMs: Latency;
  /** CPU of the services, in microseconds an item. */
  serviceMicros: number | null;
  /** CPU of every process of Postgres, in microseconds an item. */
  postgresMicros: number | null;
  walBytesPerItem: number | null;
  /** Of the largest service. */
  peakBytes: number | null;
  /** How many cores each took on average; `machine` is everything, the load generator and other programs included. */
  cores: Record<string, number>;
}

/** Lets a contestant work and measures what it took. @throws Error if the records show that something else was done */
export async function takeTurn(
  contestant: Contestant,
  meter: PostgresMeter,
  seconds: number,
  signal: AbortSignal,
): Promise<Turn> {
  const { services, between, itemsPerBatch, changesPerBatch } = contestant;
  const programs = between === undefined ? services : [...services, between];
  for (const service of services) service.forgetPeak();
  const before = await meter.begin();
  const used = programs.map(({ cpuSeconds }) => cpuSeconds);
  const machine = machineCpuSeconds();
  const began = performance.now();

  const load = await contestant.drive(seconds, signal);
  // The load generator leaves while its last batches are still being worked on. They count in what is used and done.
  await meter.quiet(signal);

  const tookSeconds = (performance.now() - began) / 1_000;
  const machineSeconds = machineCpuSeconds() - machine;
  const programSeconds = programs.map(({ cpuSeconds }, index) => cpuSeconds - (used[index] ?? 0));
  const after = await meter.end();
  const changes = after.changes - before.changes;
  checkChanges(contestant, load.batches, changes);

  const items = (changes / changesPerBatch) * itemsPerBatch;
  const perItem = (amount: number): number | null => (itemsPerBatch === 0 ? null : amount / items);
  const postgresSeconds = after.cpuSeconds - before.cpuSeconds;
  const serviceSeconds = programSeconds.slice(0, services.length).reduce((sum, each) => sum + each, 0);
  return {
    batches: load.batches,
    seconds: load.seconds,
    itemsPerSecond: itemsPerBatch === 0 ? null : (load.batches * itemsPerBatch) / load.seconds,
    batchesPerSecond: load.batches / load.seconds,
    latencyMs: load.latencyMs,
    serviceMicros: services.length === 0 ? null : perItem(serviceSeconds * 1e6),
    postgresMicros: perItem(postgresSeconds * 1e6),
    walBytesPerItem: perItem(after.walBytes - before.walBytes),
    peakBytes: services.length === 0 ? null : Math.max(...services.map(({ peakBytes }) => peakBytes)),
    cores: {
      ...Object.fromEntries(programs.map(({ name }, index) => [name, (programSeconds[index] ?? 0) / tookSeconds])),
      postgres: postgresSeconds / tookSeconds,
      machine: Math.min(cpus().length, machineSeconds / tookSeconds),
    },
  };
}

/** Each change adds 1 to a record's version: what the answers claim must be what the table shows. */
function checkChanges({ name, callers, changesPerBatch }: Contestant, batches: number, changes: number): void {
  if (batches === 0) throw new Error(`${name}: not one batch was answered in time; make the turns longer`);
  const least = batches * changesPerBatch;
  const most = (batches + callers) * changesPerBatch; // those that nobody waited for any more
  if (changes < least || changes > most) {
    throw new Error(`${name}: ${batches} batches were answered, so ${least} to ${most} changes; there are ${changes}`);
  }
}
