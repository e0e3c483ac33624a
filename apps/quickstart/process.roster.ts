import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { type ProcessIdentity, type StopStep, stillRuns, stopProcess } from './process.identity';

/** A process that the keeper runs, written down so that whoever outlives the keeper can still end it. */
export interface RosterEntry extends ProcessIdentity {
  name: string;
  stop: StopStep[];
}

interface Roster {
  keeper: ProcessIdentity;
  programs: RosterEntry[];
}

/** How long a keeper whose launcher is gone may need to end everything, in milliseconds. */
const KEEPER_GRACE_MS = 25_000;

export function writeRoster(file: string, roster: Roster): void {
  // Renamed into place: a reader never sees half a roster.
  const draft = `${file}.new`;
  writeFileSync(draft, JSON.stringify(roster), { mode: 0o600 });
  renameSync(draft, file);
}

/** Ends what an earlier start left running, if anything: waits for its keeper to do so, else does it in its stead. */
export async function stopLeftovers(file: string): Promise<void> {
  const roster = readRoster(file);
  if (!roster) return;
  await stopProcess(roster.keeper, [
    { signal: 'SIGTERM', waitMs: KEEPER_GRACE_MS },
    { signal: 'SIGKILL', waitMs: 1_000 },
  ]);
  for (const program of roster.programs.toReversed()) await stopProcess(program, program.stop);
  rmSync(file, { force: true });
}

/** Ends what a keeper that died has left running. */
export async function stopOrphans(file: string): Promise<void> {
  const roster = readRoster(file);
  if (roster && !stillRuns(roster.keeper)) await stopLeftovers(file);
}

function readRoster(file: string): Roster | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // Absent: nothing was left.
  }
  // Only this program writes the file, whole or not at all.
  return JSON.parse(text) as Roster;
}
