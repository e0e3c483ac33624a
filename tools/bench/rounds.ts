import type { BenchContext } from './bench.context';
import type { Workload } from './workloads';
import type { ServiceProcess } from './service.process';
import type { Turn } from './turn';

/** A workload and its turns. The n-th turns of all workloads are adjacent in time. */
export interface WorkloadTurns<W extends Workload = Workload, T extends Turn = Turn> {
  workload: W;
  turns: T[];
}

export interface Schedule {
  /** Turns per workload. */
  rounds: number;
  seconds: number;
}

const warmUpSeconds = 3;

/** Unmeasured seconds before each turn: connections are opened and code is compiled. */
export const leadSeconds = 1;

/**
 * Runs the workloads alternately (A B C A B C), so that other load on the machine affects all of them.
 *
 * @param takeTurn runs and measures a workload once
 */
export async function runRounds<W extends Workload, T extends Turn>(
  workloads: readonly W[],
  takeTurn: (workload: W) => Promise<T>,
  rounds: number,
  { log, signal }: BenchContext,
): Promise<WorkloadTurns<W, T>[]> {
  log('warming up');
  await warmUp(workloads, signal);
  const measured = workloads.map((workload): WorkloadTurns<W, T> => ({ workload, turns: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const { workload, turns } of measured) {
      await workload.drive(leadSeconds, signal);
      const turn = await takeTurn(workload);
      turns.push(turn);
      const rate =
        turn.itemsPerSecond === null
          ? `${Math.round(turn.batchesPerSecond)} requests/s`
          : `${Math.round(turn.itemsPerSecond)} items/s`;
      log(`round ${round} of ${rounds}: ${workload.name} ${rate}`);
    }
  }
  return measured;
}

/** Runs each program before the first measurement, so that Node has compiled its code. */
async function warmUp(workloads: readonly Workload[], signal: AbortSignal): Promise<void> {
  const warm = new Set<ServiceProcess>();
  for (const workload of workloads) {
    if (workload.services.every((service) => warm.has(service))) continue;
    await workload.drive(warmUpSeconds, signal);
    for (const service of workload.services) warm.add(service);
  }
}
