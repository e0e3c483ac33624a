import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { commandOf } from './embedded.postgres';

/**
 * Allows one start at a time to use a folder, which it creates. The pid file of a process that has ended is replaced.
 *
 * @param program the absolute path of the script that each start runs
 * @returns the function that releases the folder
 * @throws Error if another start uses the folder, or this user cannot write to it
 */
export function acquireLock(folder: string, program: string): () => void {
  const file = join(folder, 'npm-start.pid');
  const release = (): void => {
    rmSync(file, { force: true });
  };
  try {
    mkdirSync(folder, { recursive: true });
    if (createPidFile(file)) return release;
    const content = contentOf(file);
    if (!isStart(Number(content), program)) {
      removePidFile(file, content);
      if (createPidFile(file)) return release;
    }
  } catch (error) {
    const remedy = 'Run npm start as the owner of the project, or make this folder writable';
    throw new Error(`npm start cannot write to ${folder}. ${remedy}`, { cause: error });
  }
  const holder = contentOf(file);
  throw new Error(`npm start is already running: process ${holder}. Stop it first: Ctrl-C, or kill ${holder}`);
}

/** @returns false if the file exists. A link creates it together with its content, so no start reads an empty file. */
function createPidFile(file: string): boolean {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, String(process.pid));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft);
  }
}

/** Removes the file if it still has this content: another start may have replaced it since it was read. */
function removePidFile(file: string, content: string): void {
  const moved = `${file}.${process.pid}`;
  ifExists(() => {
    renameSync(file, moved);
    if (contentOf(moved) === content) rmSync(moved);
    else renameSync(moved, file);
  });
}

/** Empty if the file does not exist. */
function contentOf(file: string): string {
  return ifExists(() => readFileSync(file, 'utf8')) ?? '';
}

/** Undefined if a file does not exist: another start may remove it at any time. */
function ifExists<T>(access: () => T): T | undefined {
  try {
    return access();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

/** Whether a process is another start of the program. npm runs the program by a path relative to the project. */
function isStart(pid: number, program: string): boolean {
  if (pid === process.pid) return false; // A container gives each start the same process id.
  const command = commandOf(pid);
  return command.includes(program) || command.includes(relative(workingFolderOf(pid), program));
}

/** Empty, which means the current folder, if it is a process of another user. */
function workingFolderOf(pid: number): string {
  const script =
    'if [ -d /proc/self ]; then readlink "/proc/$0/cwd"; else lsof -a -p "$0" -d cwd -Fn | sed -n s/^n//p; fi';
  return spawnSync('sh', ['-c', script, String(pid)], { encoding: 'utf8' }).stdout.trimEnd();
}
