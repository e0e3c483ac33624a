import type { Contestant } from './contestants';
import type { PostgresMeter } from './postgres.meter';
import type { ServiceProcess } from './service.process';
import { takeTurn, type Turn } from './turn';

/** A contestant and its turns. The n-th turns of all of them came right after one another. */
export interface Entrant {
  contestant: Contestant;
  turns: Turn[];
}

export interface Schedule {
  /** How often each one's turn comes. */
  rounds: number;
  seconds: number;
}

const warmUpSeconds = 3;

/** Before each turn, unmeasured: connections are opened and code is compiled. */
export const leadSeconds = 1;

/** Lets all work in turns, A B C A B C: whatever else the machine does meanwhile, it does to all of them. */
export async function playTournament(
  contestants: readonly Contestant[],
  meter: PostgresMeter,
  { rounds, seconds }: Schedule,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Entrant[]> {
  log('warming up');
  await warmUp(contestants, signal);
  const entrants = contestants.map((contestant): Entrant => ({ contestant, turns: [] }));
  for (let round = 1; round <= rounds; round++) {
    for (const { contestant, turns } of entrants) {
      await contestant.drive(leadSeconds, signal);
      await meter.quiet(signal);
      const turn = await takeTurn(contestant, meter, seconds, signal);
      turns.push(turn);
      const rate =
        turn.itemsPerSecond === null
          ? `${Math.round(turn.batchesPerSecond)} requests/s`
          : `${Math.round(turn.itemsPerSecond)} items/s`;
      log(`round ${round} of ${rounds}: ${contestant.name} ${rate}`);
    }
  }
  return entrants;
}

/** Each program works for a while before anything is measured: Node compiles what it runs often. */
async function warmUp(contestants: readonly Contestant[], signal: AbortSignal): Promise<void> {
  const warm = new Set<ServiceProcess>();
  for (const contestant of contestants) {
    if (contestant.services.every((service) => warm.has(service))) continue;
    await contestant.drive(warmUpSeconds, signal);
    for (const service of contestant.services) warm.add(service);
  }
}
