import { setTimeout as sleep } from 'node:timers/promises';
import { httpWork } from './contestants';
import { leadSeconds, type Schedule } from './tournament';
import type { Stage } from './stage';
import { ratioOf, type Spread, spreadOf } from './statistics';
import { driveHttp } from './wrk.driver';

/** What a caller of single items notices of one that sends large batches. */
export interface Fairness {
  /** How many batches the other caller keeps in flight. */
  heavyConnections: number;
  /** p99 of a batch with a single item, in milliseconds. */
  aloneMs: Spread;
  besideMs: Spread;
  ratio: Spread;
}

const headStartMs = 500;

/** One application sends batches of 100 as fast as it can, another one batches of 1, one at a time. */
export async function measureFairness(
  stage: Stage,
  heavyConnections: number,
  { rounds, seconds }: Schedule,
  signal: AbortSignal,
): Promise<Fairness> {
  const single = {
    ...httpWork(stage, stage.gateway, 'update', { items: 1, callers: 1 }),
    caller: { apiKey: stage.credentials.otherApiKey },
  };
  const heavy = httpWork(stage, stage.gateway, 'update', { callers: heavyConnections });
  await driveHttp(heavy, leadSeconds, signal);
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push((await driveHttp(single, seconds, signal)).latencyMs.p99);
    const both = [
      driveHttp(heavy, seconds + 1, signal),
      sleep(headStartMs, undefined, { signal }).then(() => driveHttp(single, seconds, signal)),
    ] as const;
    // If one fails, the other has ended as well before that is told.
    await Promise.allSettled(both);
    await both[0];
    beside.push((await both[1]).latencyMs.p99);
  }
  return { heavyConnections, aloneMs: spreadOf(alone), besideMs: spreadOf(beside), ratio: ratioOf(beside, alone) };
}
