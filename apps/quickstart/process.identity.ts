import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { waitUntil } from './wait.until';

/** How long a process may take to end after SIGQUIT or SIGKILL. */
const FORCED_WAIT_MS = 5_000;

/** Tells a process from a later one with the same id: ids are reused, start times are not. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in a format of the system. Compared for equality only. */
  started: string;
}

/** Undefined if no such process runs. A zombie does not count as running. */
export function identify(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startOnLinux(pid) : startFromPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isRunning({ pid, started }: ProcessIdentity): boolean {
  return identify(pid)?.started === started;
}

/**
 * Sends `signal`, then SIGQUIT, then SIGKILL, until the process has ended. Never signals another process that has the
 * same id.
 *
 * @throws Error if the process cannot be signaled or survives SIGKILL
 */
export async function stopProcess(identity: ProcessIdentity, signal: NodeJS.Signals, waitMs = 8_000): Promise<void> {
  const steps = [
    { send: signal, waitMs },
    { send: 'SIGQUIT', waitMs: FORCED_WAIT_MS },
    { send: 'SIGKILL', waitMs: FORCED_WAIT_MS },
  ] as const;
  for (const step of steps) {
    if (!isRunning(identity)) return;
    sendSignal(identity.pid, step.send);
    if (await waitUntil(() => !isRunning(identity), step.waitMs)) return;
  }
  throw new Error(`process ${identity.pid} does not end`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // The process may end between the check and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** The boot and the clock tick since then: ticks alone repeat after a reboot. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the name in parentheses, may contain any character.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${fields[18] ?? ''}`;
  } catch {
    return undefined; // No such file: no such process.
  }
}

function startFromPs(pid: number): string | undefined {
  const output = spawnSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return output === '' || output.startsWith('Z') ? undefined : output.replace(/^\S+\s+/, '');
}
