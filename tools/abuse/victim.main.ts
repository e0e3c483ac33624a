import { obeyOrders } from './actor.process';
import type { Party } from './parties';
import { Victim } from './victim';

/** @see ActorProcess */
export interface VictimOrder {
  url: string;
  party: Party;
  seconds: number;
}

obeyOrders(async (order) => {
  const { url, party, seconds } = order as VictimOrder; // nobody else sends to this process
  const victim = new Victim(url, party);
  try {
    return await victim.measure(seconds, new AbortController().signal);
  } finally {
    await victim.close();
  }
});
