import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { DataFolder } from './data.folder';
import { QuickstartError } from './quickstart.error';

export interface User {
  uid: number;
  gid: number;
}

/** Nearly every system has one of them. */
const NAMES = ['postgres', 'nobody'];

/** The user that runs Postgres, which rejects to run as root: undefined (the current user) unless that is root. */
export function serviceUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of NAMES) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(outputOf('id', [flag, name], undefined)));
    if (uid && gid) return { uid, gid };
  }
  throw new QuickstartError(`Postgres cannot run as root, and there is no user named ${NAMES.join(' or ')}`);
}

/** `.data/`, or a folder in /var/lib if the user cannot reach `.data/`, as below /root. */
export function folderFor(user: User | undefined, folder: DataFolder): string {
  if (!user || outputOf('/bin/sh', ['-c', 'cd "$0"', folder.path], user) !== undefined) return folder.path;
  const project = createHash('sha256').update(folder.projectRoot).digest('hex').slice(0, 12);
  const path = join('/var/lib/prism-quickstart', project);
  mkdirSync(path, { recursive: true });
  for (const each of [path, join(path, '..')]) chmodSync(each, 0o711);
  return path;
}

/** The output of a program run as that user; undefined if it cannot be run or fails. */
export function outputOf(command: string, args: string[], user: User | undefined): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000, cwd: '/', ...user });
  return status === 0 ? stdout.trim() : undefined;
}
