import { spawnSync } from 'node:child_process';

import { QuickstartError } from './quickstart.error';

export interface User {
  uid: number;
  gid: number;
}

/** Postgres refuses to run as root; these exist on practically every system. */
const NAMES = ['postgres', 'nobody'];

/** Whom to run services as: undefined (ourselves) unless we are root. */
export function serviceUser(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of NAMES) {
    const uid = numericId('-u', name);
    const gid = numericId('-g', name);
    if (uid !== undefined && gid !== undefined && uid !== 0) return { uid, gid };
  }
  throw new QuickstartError(
    `Postgres does not run as root, and there is no user named ${NAMES.join(' or ')} to run it as`,
  );
}

/** Whether a program can be run as that user, from where it lies. Answers its output, or undefined. */
export function outputOf(command: string, args: string[], user: User | undefined): string | undefined {
  const response = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000, cwd: '/', ...user });
  return response.status === 0 ? response.stdout.trim() : undefined;
}

function numericId(flag: '-u' | '-g', name: string): number | undefined {
  const response = outputOf('id', [flag, name], undefined);
  return response !== undefined && /^\d+$/.test(response) ? Number(response) : undefined;
}
