import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

import { type ProcessIdentity, type StopStep, stillRuns, stopProcess } from './process.identity';

/** A process that the keeper runs, written down so that whoever outlives the keeper can still end it. */
export interface PidFileEntry extends ProcessIdentity {
  name: string;
  stop: StopStep[];
}

interface PidFile {
  supervisor: ProcessIdentity;
  programs: PidFileEntry[];
}

/** How long a keeper whose launcher is gone may need to end everything, in milliseconds. */
const KEEPER_GRACE_MS = 25_000;

export function writePidFile(file: string, pidFile: PidFile): void {
  // Renamed into place: a reader never sees half a roster.
  const draft = `${file}.new`;
  writeFileSync(draft, JSON.stringify(pidFile), { mode: 0o600 });
  renameSync(draft, file);
}

/** Ends what an earlier start left running, if anything: waits for its keeper to do so, else does it in its stead. */
export async function stopLeftovers(file: string): Promise<void> {
  const pidFile = readPidFile(file);
  if (!pidFile) return;
  await stopProcess(pidFile.supervisor, [
    { signal: 'SIGTERM', waitMs: KEEPER_GRACE_MS },
    { signal: 'SIGKILL', waitMs: 1_000 },
  ]);
  for (const program of pidFile.programs.toReversed()) await stopProcess(program, program.stop);
  rmSync(file, { force: true });
}

/** Ends what a keeper that died has left running. */
export async function stopOrphans(file: string): Promise<void> {
  const pidFile = readPidFile(file);
  if (pidFile && !stillRuns(pidFile.supervisor)) await stopLeftovers(file);
}

function readPidFile(file: string): PidFile | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined; // Absent: nothing was left.
  }
  // Only this program writes the file, whole or not at all.
  return JSON.parse(text) as PidFile;
}
