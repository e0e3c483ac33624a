import { cpus } from 'node:os';
import type { Workload } from './workloads';
import type { Latency, Load } from './load';
import type { Meter } from './postgres.meter';
import { loadCpuSeconds, machineCpuSeconds } from './process.usage';

/** The figures of one turn. Null if not applicable. */
export interface Turn {
  batches: number;
  seconds: number;
  itemsPerSecond: number | null;
  batchesPerSecond: number;
  latencyMs: Latency;
  /** CPU of the services, in microseconds per item. */
  serviceMicros: number | null;
  /** CPU of all Postgres processes, in microseconds per item. */
  postgresMicros: number | null;
  walBytesPerItem: number | null;
  /** Growth of the ledger's tables and indexes. */
  ledgerBytesPerItem: number | null;
  /** Peak resident memory of the largest service. */
  peakBytes: number | null;
  /** Average use of cores. */
  cores: CoreUse;
}

/** Used cores. The rest of `machine` is other programs and the kernel. */
export interface CoreUse {
  /** By program: services and load balancer. */
  services: Record<string, number>;
  postgres: number;
  /** The load generator. */
  load: number;
  machine: number;
}

/** The resources that a workload used. */
export interface Usage {
  load: Load;
  serviceSeconds: number;
  postgresSeconds: number;
  walBytes: number;
  ledgerBytes: number;
  peakBytes: number | null;
  cores: CoreUse;
}

/** A gateway without a core may begin a request of the work before this one late. */
const settledReadings = 20;

/** Runs and measures a workload, after the work before it has ended. @throws Error if the number of changes in Postgres does not match the responses */
export async function takeTurn(workload: Workload, meter: Meter, seconds: number, signal: AbortSignal): Promise<Turn> {
  await meter.quiet(signal, settledReadings);
  const before = await meter.changes();
  const usage = await measureUsage(workload, meter, seconds, signal);
  const changes = (await meter.changes()) - before;
  checkChanges(workload, usage.load.batches, changes);
  return turnOf(workload, usage, changes);
}

/** Runs and measures a workload, without checking the changes. */
export async function measureUsage(
  workload: Workload,
  meter: Meter,
  seconds: number,
  signal: AbortSignal,
): Promise<Usage> {
  const { services, balancer } = workload;
  const programs = balancer === undefined ? services : [...services, balancer];
  for (const service of services) service.resetPeak();
  const before = await meter.begin();
  const used = programs.map(({ cpuSeconds }) => cpuSeconds);
  const machine = machineCpuSeconds();
  const loadBefore = loadCpuSeconds();
  const startedAt = performance.now();

  const load = await workload.drive(seconds, signal);
  // The last batches are still running when the load generator ends. Their cost and changes count.
  await meter.quiet(signal);

  const tookSeconds = (performance.now() - startedAt) / 1_000;
  const machineSeconds = machineCpuSeconds() - machine;
  const loadSeconds = loadCpuSeconds() - loadBefore;
  const programSeconds = programs.map(({ cpuSeconds }, index) => cpuSeconds - (used[index] ?? 0));
  const after = await meter.end();
  const postgresSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    load,
    serviceSeconds: programSeconds.slice(0, services.length).reduce((sum, each) => sum + each, 0),
    postgresSeconds,
    walBytes: after.walBytes - before.walBytes,
    ledgerBytes: after.ledgerBytes - before.ledgerBytes,
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

/** Figures per item. @param changes the number of changes, including those without a response at the end of the time */
export function turnOf(
  { services, itemsPerBatch, changesPerBatch }: Workload,
  { load, serviceSeconds, postgresSeconds, walBytes, ledgerBytes, peakBytes, cores }: Usage,
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
    ledgerBytesPerItem: perItem(ledgerBytes),
    ...{ peakBytes, cores },
  };
}

/** Each change adds 1 to a version, so that the versions must match the responses. */
function checkChanges({ name, callers, changesPerBatch }: Workload, batches: number, changes: number): void {
  if (batches === 0) throw new Error(`${name}: no batch completed; use longer turns`);
  const least = batches * changesPerBatch;
  const most = (batches + callers) * changesPerBatch; // including batches without a response at the end
  if (changes < least || changes > most) {
    throw new Error(`${name}: ${batches} completed batches mean ${least} to ${most} changes, Postgres has ${changes}`);
  }
}
