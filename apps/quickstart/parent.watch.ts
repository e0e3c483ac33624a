import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { deferred } from './deferred';

const LOOK_EVERY_MS = 1_000;
const SHELLS = new Set(['sh', 'dash', 'bash', 'zsh', 'ksh', 'ash', 'busybox']);

/**
 * Resolves once the npm that runs us has died. Killed with -9, it takes neither us nor the shell between along, and no
 * signal tells us. Never resolves when started by hand: a terminal that closes sends SIGHUP, and nohup means to stay.
 */
export function npmGone(env: NodeJS.ProcessEnv): Promise<void> {
  const { promise, resolve } = deferred();
  if (env.npm_lifecycle_event === undefined) return promise;
  const parent = process.ppid;
  const above = look(parent);
  // npm runs a script through a shell, which stays between npm and us unless it hands over its own process.
  const grandparent = above && SHELLS.has(above.program) ? above.parent : undefined;
  const timer = setInterval(() => {
    const gone = process.ppid !== parent || (grandparent !== undefined && look(parent)?.parent !== grandparent);
    if (!gone) return;
    clearInterval(timer);
    resolve();
  }, LOOK_EVERY_MS);
  timer.unref();
  return promise;
}

function look(pid: number): { program: string; parent: number } | undefined {
  try {
    if (process.platform !== 'linux') return lookWithPs(pid);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const nameEnds = stat.lastIndexOf(')');
    return {
      program: stat.slice(stat.indexOf('(') + 1, nameEnds),
      parent: Number(stat.slice(nameEnds + 2).split(' ')[1]),
    };
  } catch {
    return undefined; // It has ended.
  }
}

function lookWithPs(pid: number): { program: string; parent: number } | undefined {
  const response = spawnSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  const [parent, ...program] = response.split(/\s+/);
  if (!parent) return undefined;
  return { program: basename(program.join(' ')).replace(/^-/, ''), parent: Number(parent) };
}
