import type { BenchContext } from '../bench.context';
import type { PostgresMeter } from '../postgres.meter';
import type { ServiceProcess } from '../service.process';
import { median } from '../statistics';
import { driveHttp, type HttpWork } from '../wrk.driver';

const checkpoints = 10;
const secondsAtOnce = 2;

/** Memory after a number of batches and a garbage collection. */
export interface Retained {
  batches: number;
  residentBytes: number;
  heapBytes: number;
  /** Memory outside of the heap, such as buffers. */
  externalBytes: number;
}

/** The memory usage after a garbage collection. @throws Error if the process has ended */
export async function memoryOf(gateway: ServiceProcess): Promise<Omit<Retained, 'batches'>> {
  const { rss, heapUsed, external } = (await gateway.ask('collect')) as NodeJS.MemoryUsage; // collect.preload.ts
  return { residentBytes: rss, heapBytes: heapUsed, externalBytes: external };
}

/** Sends batches, alternately with keys, and reads the memory of the gateway ten times. */
export async function measureRetained(
  gateway: ServiceProcess,
  meter: PostgresMeter,
  work: HttpWork,
  batches: number,
  { signal, log }: BenchContext,
): Promise<Retained[]> {
  const retained: Retained[] = [];
  let sent = 0;
  for (let turn = 0; retained.length < checkpoints; turn++) {
    sent += (await driveHttp({ ...work, keyed: turn % 2 === 1 }, secondsAtOnce, signal)).batches;
    if (sent < ((retained.length + 1) * batches) / checkpoints) continue;
    await meter.quiet(signal);
    const memory = await memoryOf(gateway);
    retained.push({ batches: sent, ...memory });
    log(`${sent} batches: ${(memory.residentBytes / 2 ** 20).toFixed(1)} MiB resident`);
  }
  return retained;
}

/**
 * The ratio of the last to the first reading on the line with the median slope of all pairs of readings (Theil-Sen), which
 * single outliers do not change.
 */
export function growthOf(retained: readonly Retained[], of: (reading: Retained) => number): number {
  const slopes = retained.flatMap((one, index) =>
    retained.slice(index + 1).map((later) => (of(later) - of(one)) / (later.batches - one.batches)),
  );
  const [first, last] = [retained[0], retained.at(-1)];
  if (first === undefined || last === undefined || slopes.length === 0) return NaN;
  return 1 + (median(slopes) * (last.batches - first.batches)) / median(retained.map(of));
}
