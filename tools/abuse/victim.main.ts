import { executeCommands } from './actor.process';
import type { Party } from './parties';
import { Victim } from './victim';

/** @see ActorProcess */
export interface VictimCommand {
  url: string;
  party: Party;
  seconds: number;
}

executeCommands(async (command) => {
  const { url, party, seconds } = command as VictimCommand; // only its parent sends messages
  const victim = new Victim(url, party);
  try {
    return await victim.measure(seconds, new AbortController().signal);
  } finally {
    await victim.close();
  }
});
