import { executeOrders } from './actor.process';
import { attackNamed } from './attack.catalogue';
import { AttackTarget } from './attack.target';
import type { Intruder } from './parties';
import type { Volley } from './attack';

/** To `prepare` an attack; then to `begin` it; then to `end` it, which returns an {@link AttackReport}. */
export type AttackerOrder =
  { do: 'prepare'; attack: string; url: string; intruder: Intruder } | { do: 'begin' | 'end' };

/** The requests of an attack. */
export interface AttackReport {
  volleys: number;
  /** As in {@link AttackTarget.responses}. */
  responses: Record<string, number>;
}

/** After a refused connection, so that an ended gateway is not called in a busy loop. */
const RESTING_TURN_MS = 20;

let target: AttackTarget | undefined;
let volley: Volley | undefined;
let attack: Promise<PromiseSettledResult<number>[]> | undefined;
const stop = new AbortController();

executeOrders(async (given) => {
  const order = given as AttackerOrder; // only its parent sends messages
  switch (order.do) {
    case 'prepare':
      target = new AttackTarget(order.url, order.intruder, stop.signal);
      volley = await attackNamed(order.attack).prepare(target);
      return;
    case 'begin':
      if (volley === undefined) throw new Error('the attack was not prepared');
      // `end` reports a failure.
      attack = Promise.allSettled([repeat(volley)]);
      return;
    case 'end':
      stop.abort();
      return report((await attack) ?? []);
  }
});

async function repeat(volley: Volley): Promise<number> {
  let volleys = 0;
  for (; !stop.signal.aborted; volleys++) {
    await volley();
    await new Promise((resolve) => setTimeout(resolve, RESTING_TURN_MS));
  }
  return volleys;
}

function report([result]: PromiseSettledResult<number>[]): AttackReport {
  if (result?.status !== 'fulfilled') throw new Error('the attack failed', { cause: result?.reason });
  return { volleys: result.value, responses: target?.responses ?? {} };
}
