import { executeOrders } from './actor.process';
import type { Party } from './parties';
import { Victim } from './victim';

/** @see ActorProcess */
export interface VictimOrder {
  url: string;
  party: Party;
  seconds: number;
}

executeOrders(async (order) => {
  const { url, party, seconds } = order as VictimOrder; // only its parent sends messages
  const victim = new Victim(url, party);
  try {
    return await victim.measure(seconds, new AbortController().signal);
  } finally {
    await victim.close();
  }
});
