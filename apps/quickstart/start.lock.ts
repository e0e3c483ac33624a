import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Allows one start at a time to use a folder, which it creates. Each start appends a line to the pid file. The first line of
 * a running process is that of the holder, so a start that was killed holds nothing.
 *
 * @returns the function that releases the folder
 * @throws Error if another start uses the folder, or this user cannot write to it
 */
export function acquireLock(folder: string): () => void {
  const file = join(folder, 'npm-start.pid');
  const own = identityOf(process.pid);
  let holder: string | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    appendFileSync(file, `\n${own}`);
    holder = readFileSync(file, 'utf8').split('\n').find(isRunning);
  } catch (error) {
    const remedy = 'Run npm start as the owner of the project, or make this folder writable';
    throw new Error(`npm start cannot write to ${folder}. ${remedy}`, { cause: error });
  }
  if (holder !== own) {
    const [pid] = holder?.split(' ', 1) ?? [];
    throw new Error(`npm start is already running: process ${pid}. Stop it first: Ctrl-C, or kill ${pid}`);
  }
  return () => {
    rmSync(file, { force: true });
  };
}

function isRunning(identity: string): boolean {
  return /^\d+ ./.test(identity) && identityOf(Number.parseInt(identity, 10)) === identity;
}

/** The id and the start time of a process: a later process may have the same id. */
export function identityOf(pid: number): string {
  const script = 'cut -d" " -f22 "/proc/$0/stat" 2>/dev/null || ps -o lstart= -p "$0"';
  return `${pid} ${spawnSync('sh', ['-c', script, String(pid)], { encoding: 'utf8' }).stdout.trim()}`;
}
