import { type ChildProcess, spawn } from 'node:child_process';

/** Kills a process if this one ends before it, however that comes: also by `kill -9`. */
export function guard(child: ChildProcess): void {
  // The pipe to the watcher ends with this process.
  const watcher = spawn('/bin/sh', ['-c', 'read -r _; kill -KILL "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // Ctrl-C is for the tests
  });
  child.once('exit', () => watcher.kill('SIGKILL'));
}
