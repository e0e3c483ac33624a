import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { type StopStep, identify, stopProcess } from './process.identity';
import { QuickstartError } from './quickstart.error';
import { outputOf } from './unprivileged.user';

/**
 * Ends a Postgres that still runs on the data folder although nobody wrote it down, as after both the launcher and the
 * keeper were killed with -9 on a crowded machine. Whether a process is that one is told by its command line.
 *
 * @throws QuickstartError if a Postgres that we did not start may be using the folder.
 */
export async function stopStalePostgres(dataFolder: string, steps: readonly StopStep[]): Promise<void> {
  const pidFile = join(dataFolder, 'postmaster.pid');
  const pid = Number.parseInt(firstLine(pidFile) ?? '', 10);
  const identity = Number.isNaN(pid) ? undefined : identify(pid);
  if (!identity) return; // Postgres itself clears up after one that is gone.
  const command = commandLine(pid);
  if (command.includes(dataFolder)) {
    await stopProcess(identity, steps);
  } else if (/postgres|postmaster/.test(command)) {
    throw new QuickstartError(`process ${pid}, a Postgres, seems to use ${dataFolder}: stop it first`);
  } else {
    // The number went to another program since, and Postgres, which sees only the number, would refuse to start.
    rmSync(pidFile, { force: true });
  }
}

function firstLine(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n', 1)[0];
  } catch {
    return undefined; // Shut down in order, or never started.
  }
}

function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
  return outputOf('ps', ['-o', 'command=', '-p', String(pid)], undefined) ?? '';
}
