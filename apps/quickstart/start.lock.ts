import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Allows one start at a time to use a folder, which it creates. The pid file of a process that has ended is replaced.
 *
 * @returns the function that releases the folder
 * @throws Error if another start uses the folder, or this user cannot write to it
 */
export function acquireLock(folder: string): () => void {
  const file = join(folder, 'npm-start.pid');
  const own = `${file}.${process.pid}`;
  let holder: string | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    holder = contentOf(file);
    if (holder !== undefined && !isRunning(holder)) removePidFile(file, holder, own);
    writeFileSync(own, identityOf(process.pid));
    // A link appears together with its content, so no start reads an empty file.
    const isAcquired = unless('EEXIST', () => (linkSync(own, file), true));
    rmSync(own);
    if (isAcquired) {
      return () => {
        rmSync(file, { force: true });
      };
    }
    holder = contentOf(file) ?? '';
  } catch (error) {
    const remedy = 'Run npm start as the owner of the project, or make this folder writable';
    throw new Error(`npm start cannot write to ${folder}. ${remedy}`, { cause: error });
  }
  const [pid] = holder.split(' ', 1);
  throw new Error(`npm start is already running: process ${pid}. Stop it first: Ctrl-C, or kill ${pid}`);
}

/** Removes the file if it still has this content: another start may have replaced it since it was read. */
function removePidFile(file: string, content: string, moved: string): void {
  unless('ENOENT', () => {
    renameSync(file, moved);
    if (contentOf(moved) === content) rmSync(moved);
    else renameSync(moved, file);
  });
}

/** Undefined if the file does not exist. */
function contentOf(file: string): string | undefined {
  return unless('ENOENT', () => readFileSync(file, 'utf8'));
}

/** Undefined if the call fails with this code: another start may create or remove the file at any time. */
function unless<T>(code: string, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
    return undefined;
  }
}

function isRunning(identity: string): boolean {
  const [, pid] = /^(\d+) ./.exec(identity) ?? [];
  return pid !== undefined && identityOf(Number(pid)) === identity;
}

/** The id and the start time of a process: a later process may have the same id. */
export function identityOf(pid: number): string {
  const script = 'cut -d" " -f22 "/proc/$0/stat" 2>/dev/null || ps -o lstart= -p "$0"';
  return `${pid} ${spawnSync('sh', ['-c', script, String(pid)], { encoding: 'utf8' }).stdout.trim()}`;
}
