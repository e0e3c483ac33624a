import type { BenchContext } from '../bench.context';
import type { PostgresMeter } from '../postgres.meter';
import type { ServiceProcess } from '../service.process';
import { median } from '../statistics';
import { driveHttp, type HttpWork } from '../wrk.driver';

const checkpoints = 10;
const secondsAtOnce = 2;

/** What a gateway holds when everything is collected that can be, after so many batches. */
export interface Retained {
  batches: number;
  residentBytes: number;
  heapBytes: number;
  /** Buffers and the like, beside the heap. */
  externalBytes: number;
}

/** What is left of memory in the gateway, as it answers a message. @throws Error if it has ended */
export async function memoryOf(gateway: ServiceProcess): Promise<Omit<Retained, 'batches'>> {
  const { rss, heapUsed, external } = (await gateway.ask('collect')) as NodeJS.MemoryUsage; // collect.preload.ts
  return { residentBytes: rss, heapBytes: heapUsed, externalBytes: external };
}

/** Sends so many batches, every other time with keys, and looks at the gateway's memory ten times on the way. */
export async function measureRetained(
  gateway: ServiceProcess,
  meter: PostgresMeter,
  work: HttpWork,
  batches: number,
  { signal, log: say }: BenchContext,
): Promise<Retained[]> {
  const retained: Retained[] = [];
  let sent = 0;
  for (let go = 0; retained.length < checkpoints; go++) {
    sent += (await driveHttp({ ...work, keyed: go % 2 === 1 }, secondsAtOnce, signal)).batches;
    if (sent < ((retained.length + 1) * batches) / checkpoints) continue;
    await meter.quiet(signal);
    const memory = await memoryOf(gateway);
    retained.push({ batches: sent, ...memory });
    say(`${sent} batches: ${(memory.residentBytes / 2 ** 20).toFixed(1)} MiB resident`);
  }
  return retained;
}

/**
 * How much larger memory is at the end than at the first reading, as a ratio: along the median of the slopes between any
 * two readings, which no single reading can tilt.
 */
export function growthOf(retained: readonly Retained[], of: (reading: Retained) => number): number {
  const slopes = retained.flatMap((one, index) =>
    retained.slice(index + 1).map((later) => (of(later) - of(one)) / (later.batches - one.batches)),
  );
  const [first, last] = [retained[0], retained.at(-1)];
  if (first === undefined || last === undefined || slopes.length === 0) return NaN;
  return 1 + (median(slopes) * (last.batches - first.batches)) / median(retained.map(of));
}
