import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { waitUntil } from './wait.until';

/** A process that can be told from a later one with the same number: ids are re-used, start times are not. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in whatever form the system tells; only ever compared for equality. */
  started: string;
}

/** One step of ending a process: the signal, and how long it may take to obey before the next step. */
export interface StopStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

/** Undefined if no such process runs. One that has ended but was not reaped yet does not count as running. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startOnLinux(pid) : startFromPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function stillRuns(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.started === identity.started;
}

/** Ends a process gently, then less so. Resolves once it is gone; never signals a stranger that re-used the number. */
export async function stopProcess(identity: ProcessIdentity, steps: readonly StopStep[]): Promise<void> {
  for (const { signal, waitMs } of steps) {
    if (!signalProcess(identity, signal)) return;
    if (await waitUntil(() => !stillRuns(identity), waitMs)) return;
  }
}

function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!stillRuns(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    // It may end between the look and the signal; anything else (not permitted) is worth telling.
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

function startOnLinux(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined; // No such file means no such process.
  }
  // The second field is the program's name in parentheses and may hold anything; the third field follows the last ')'.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function startFromPs(pid: number): string | undefined {
  const response = spawnSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return response === '' || response.startsWith('Z') ? undefined : response.replace(/^\S+\s+/, '');
}
