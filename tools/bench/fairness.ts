import { setTimeout as sleep } from 'node:timers/promises';
import { httpWork } from './workloads';
import type { Neighbor } from './neighbors';
import { leadSeconds, type Schedule } from './rounds';
import type { BenchEnvironment } from './bench.environment';
import { ratioOf, type Spread, spreadOf } from './statistics';
import { driveHttp } from './wrk.driver';

/** The latency of a client that sends single items beside another client. */
export interface Fairness {
  /** The load of the other client. */
  neighbor: string;
  /** p99 of a batch with a single item, in milliseconds. */
  aloneMs: Spread;
  besideMs: Spread;
  ratio: Spread;
}

/** The neighbor starts earlier by this time. */
const neighborLeadMs = 500;

/**
 * A client sends batches of 1, one at a time. It is measured alone and beside its neighbor alternately, each time after a warm-up.
 * @throws Error if one of its requests is rejected
 */
export async function measureFairness(
  environment: BenchEnvironment,
  neighbor: Neighbor,
  { rounds, seconds }: Schedule,
  signal: AbortSignal,
): Promise<Fairness> {
  const measure = async (): Promise<number> => {
    const single = httpWork(environment, environment.gateway, 'update', { items: 1, callers: 1 });
    const work = { ...single, caller: { apiKey: environment.credentials.otherApiKey } };
    await driveHttp(work, leadSeconds, signal);
    return (await driveHttp(work, seconds, signal)).latencyMs.p99;
  };
  await neighbor.send(leadSeconds, signal);
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await measure());
    const both = [
      neighbor.send(leadSeconds + seconds + 1, signal),
      sleep(neighborLeadMs, undefined, { signal }).then(measure),
    ] as const;
    // Both have ended before a failure is reported.
    await Promise.allSettled(both);
    await both[0];
    beside.push(await both[1]);
  }
  return {
    neighbor: neighbor.what,
    aloneMs: spreadOf(alone),
    besideMs: spreadOf(beside),
    ratio: ratioOf(beside, alone),
  };
}
