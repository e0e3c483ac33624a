import { cpus } from 'node:os';
import type { Contestant } from './contestants';
import type { Latency, Load } from './load';
import type { PostgresMeter } from './postgres.meter';
import { loadCpuSeconds, machineCpuSeconds } from './process.usage';

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
  /** How many cores each took on average. */
  cores: CoreUse;
}

/** In cores. What is left of `machine` is other programs and the kernel. */
export interface CoreUse {
  /** By program: what answers HTTP, and what stands between. */
  services: Record<string, number>;
  postgres: number;
  /** Who asks for all that. */
  load: number;
  machine: number;
}

/** What a contestant's work took. */
export interface Spent {
  load: Load;
  serviceSeconds: number;
  postgresSeconds: number;
  walBytes: number;
  peakBytes: number | null;
  cores: CoreUse;
}

/** Lets a contestant work and measures what it took. @throws Error if the records show that something else was done */
export async function takeTurn(
  contestant: Contestant,
  meter: PostgresMeter,
  seconds: number,
  signal: AbortSignal,
): Promise<Turn> {
  const before = await meter.changes();
  const spent = await spend(contestant, meter, seconds, signal);
  const changes = (await meter.changes()) - before;
  checkChanges(contestant, spent.load.batches, changes);
  return turnOf(contestant, spent, changes);
}

/** Lets a contestant work and measures what it took, whatever it did. */
export async function spend(
  contestant: Contestant,
  meter: PostgresMeter,
  seconds: number,
  signal: AbortSignal,
): Promise<Spent> {
  const { services, between } = contestant;
  const programs = between === undefined ? services : [...services, between];
  for (const service of services) service.forgetPeak();
  const before = await meter.begin();
  const used = programs.map(({ cpuSeconds }) => cpuSeconds);
  const machine = machineCpuSeconds();
  const asking = loadCpuSeconds();
  const began = performance.now();

  const load = await contestant.drive(seconds, signal);
  // The load generator leaves while its last batches are still being worked on. They count in what is used and done.
  await meter.quiet(signal);

  const tookSeconds = (performance.now() - began) / 1_000;
  const machineSeconds = machineCpuSeconds() - machine;
  const loadSeconds = loadCpuSeconds() - asking;
  const programSeconds = programs.map(({ cpuSeconds }, index) => cpuSeconds - (used[index] ?? 0));
  const after = await meter.end();
  const postgresSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    load,
    serviceSeconds: programSeconds.slice(0, services.length).reduce((sum, each) => sum + each, 0),
    postgresSeconds,
    walBytes: after.walBytes - before.walBytes,
    peakBytes: services.length === 0 ? null : Math.max(...services.map(({ peakBytes }) => peakBytes)),
    cores: {
      services: Object.fromEntries(
        programs.map(({ name }, index) => [name, (programSeconds[index] ?? 0) / tookSeconds]),
      ),
      postgres: postgresSeconds / tookSeconds,
      load: loadSeconds / tookSeconds,
      machine: Math.min(cpus().length, machineSeconds / tookSeconds),
    },
  };
}

/** What was spent, an item. @param changes how many records were changed: more than were answered, when time was up */
export function turnOf(
  { services, itemsPerBatch, changesPerBatch }: Contestant,
  { load, serviceSeconds, postgresSeconds, walBytes, peakBytes, cores }: Spent,
  changes: number,
): Turn {
  const items = (changes / changesPerBatch) * itemsPerBatch;
  const perItem = (amount: number): number | null => (itemsPerBatch === 0 ? null : amount / items);
  return {
    batches: load.batches,
    seconds: load.seconds,
    itemsPerSecond: itemsPerBatch === 0 ? null : (load.batches * itemsPerBatch) / load.seconds,
    batchesPerSecond: load.batches / load.seconds,
    latencyMs: load.latencyMs,
    serviceMicros: services.length === 0 ? null : perItem(serviceSeconds * 1e6),
    postgresMicros: perItem(postgresSeconds * 1e6),
    walBytesPerItem: perItem(walBytes),
    ...{ peakBytes, cores },
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
