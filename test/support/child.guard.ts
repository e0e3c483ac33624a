import { type ChildProcess, spawn } from 'node:child_process';

/** Kills a process when this one ends first, for any reason, including `kill -9`. */
export function guard(child: ChildProcess): void {
  // The pipe to the watcher is closed when this process ends.
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -KILL "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C must reach only the tests
  });
  child.once('exit', () => watcher.kill('SIGKILL'));
}
