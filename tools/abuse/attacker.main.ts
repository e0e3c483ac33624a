import { executeCommands } from './actor.process';
import { attackNamed } from './attack.catalogue';
import { AttackTarget } from './attack.target';
import type { AttackingParty } from './parties';
import type { Round } from './attack';

/** To `prepare` an attack; then to `begin` it; then to `end` it, which returns an {@link AttackReport}. */
export type AttackerCommand =
  { do: 'prepare'; attack: string; url: string; attacker: AttackingParty } | { do: 'begin' | 'end' };

/** The requests of an attack. */
export interface AttackReport {
  rounds: number;
  /** As in {@link AttackTarget.responses}. */
  responses: Record<string, number>;
}

/** After a refused connection, so that an ended gateway is not called in a busy loop. */
const PAUSE_MS = 20;

let target: AttackTarget | undefined;
let round: Round | undefined;
let attack: Promise<PromiseSettledResult<number>[]> | undefined;
const stop = new AbortController();

executeCommands(async (given) => {
  const command = given as AttackerCommand; // only its parent sends messages
  switch (command.do) {
    case 'prepare':
      target = new AttackTarget(command.url, command.attacker, stop.signal);
      round = await attackNamed(command.attack).prepare(target);
      return;
    case 'begin':
      if (round === undefined) throw new Error('the attack was not prepared');
      // `end` reports a failure.
      attack = Promise.allSettled([repeat(round)]);
      return;
    case 'end':
      stop.abort();
      return report((await attack) ?? []);
  }
});

async function repeat(round: Round): Promise<number> {
  let rounds = 0;
  for (; !stop.signal.aborted; rounds++) {
    await round();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return rounds;
}

function report([result]: PromiseSettledResult<number>[]): AttackReport {
  if (result?.status !== 'fulfilled') throw new Error('the attack failed', { cause: result?.reason });
  return { rounds: result.value, responses: target?.responses ?? {} };
}
