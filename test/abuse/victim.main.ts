import { obeyOrders } from './actor.process';
import type { Party } from './parties';
import { Victim } from './victim';

/** @see ActorProcess */
export interface VictimOrder {
  url: string;
  party: Party;
  seconds: number;
}

obeyOrders(async ({ url, party, seconds }: VictimOrder) => {
  const victim = new Victim(url, party);
  try {
    return await victim.measure(seconds, new AbortController().signal);
  } finally {
    await victim.close();
  }
});
