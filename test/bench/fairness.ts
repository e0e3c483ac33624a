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

/** So long the one caller has been sending when the other begins. */
const headStartMs = 500;

/**
 * One application sends batches of 100 as fast as it can, another one batches of 1, one at a time. The latter is measured
 * alone and beside the former in turns, each time after a lead: how long it takes until they get along is not in it.
 */
export async function measureFairness(
  stage: Stage,
  heavyConnections: number,
  { rounds, seconds }: Schedule,
  signal: AbortSignal,
): Promise<Fairness> {
  const heavy = httpWork(stage, stage.gateway, 'update', { callers: heavyConnections });
  const measure = async (): Promise<number> => {
    const single = httpWork(stage, stage.gateway, 'update', { items: 1, callers: 1 });
    const work = { ...single, caller: { apiKey: stage.credentials.otherApiKey } };
    await driveHttp(work, leadSeconds, signal);
    return (await driveHttp(work, seconds, signal)).latencyMs.p99;
  };
  await driveHttp(heavy, leadSeconds, signal);
  const alone: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push(await measure());
    const both = [
      driveHttp(heavy, leadSeconds + seconds + 1, signal),
      sleep(headStartMs, undefined, { signal }).then(measure),
    ] as const;
    // If one fails, the other has ended as well before that is told.
    await Promise.allSettled(both);
    await both[0];
    beside.push(await both[1]);
  }
  return { heavyConnections, aloneMs: spreadOf(alone), besideMs: spreadOf(beside), ratio: ratioOf(beside, alone) };
}
