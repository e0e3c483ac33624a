import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

import { embeddedBinaries } from './embedded.binaries';
import { QuickstartError } from './quickstart.error';
import { outputOf, type User } from './unprivileged.user';

/** Programs of one Postgres that can be run by the services' user. */
export interface PostgresBinaries {
  origin: 'system' | 'embedded';
  folder: string;
  /** As in `17.5`. */
  version: string;
  major: number;
}

/** The oldest Postgres that the gateway supports. */
const OLDEST_MAJOR = 14;

/** Where package managers put each version; `*` stands for any name. */
const USUAL_PLACES = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
];

/**
 * Picks the Postgres to run: the one that wrote the data of an earlier start if it is still here (another major version
 * could not read it), else the system's newest, else the embedded one.
 *
 * @param env `PRISM_QUICKSTART_POSTGRES` = `system` or `embedded` narrows the choice.
 * @param place where a copy of the embedded programs may go if the services' user cannot reach the installed ones.
 * @throws QuickstartError if there is none.
 */
export function findPostgres(
  env: NodeJS.ProcessEnv,
  user: User | undefined,
  place: string,
  hasData: (major: number) => boolean,
): PostgresBinaries {
  const wanted = env.PRISM_QUICKSTART_POSTGRES ?? '';
  if (!['', 'system', 'embedded'].includes(wanted)) {
    throw new QuickstartError('PRISM_QUICKSTART_POSTGRES must be system or embedded; unset it to use what is found');
  }
  const system = wanted === 'embedded' ? [] : systemBinaries(env, user);
  const used = system.find(({ major }) => hasData(major));
  if (used) return used;
  const embedded = wanted === 'system' ? undefined : embeddedPostgres(user, place);
  if (embedded && hasData(embedded.major)) return embedded;
  const found = system[0] ?? embedded;
  if (found) return found;
  throw new QuickstartError(
    `no Postgres ${OLDEST_MAJOR} or newer found, neither on this system nor among the npm packages.\n` +
      'Install one (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), ' +
      'or give the address of one: DATABASE_URL=postgres://user:password@host/database npm start',
  );
}

/** Newest first. */
function systemBinaries(env: NodeJS.ProcessEnv, user: User | undefined): PostgresBinaries[] {
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const folders = new Set([...onPath, ...USUAL_PLACES.flatMap(expand)]);
  return [...folders]
    .filter((folder) => existsSync(join(folder, 'postgres')) && existsSync(join(folder, 'initdb')))
    .flatMap((folder) => examine('system', folder, user) ?? [])
    .toSorted((one, other) => other.major - one.major);
}

function embeddedPostgres(user: User | undefined, place: string): PostgresBinaries | undefined {
  for (const folder of embeddedBinaries(place)) {
    const found = examine('embedded', folder, user);
    if (found) return found;
  }
  return undefined;
}

function examine(
  origin: PostgresBinaries['origin'],
  folder: string,
  user: User | undefined,
): PostgresBinaries | undefined {
  if (outputOf(join(folder, 'initdb'), ['--version'], user) === undefined) return undefined;
  const response = outputOf(join(folder, 'postgres'), ['--version'], user);
  const version = /\d+(\.\d+)*/.exec(response ?? '')?.[0];
  const major = Number.parseInt(version ?? '', 10);
  return version !== undefined && major >= OLDEST_MAJOR ? { origin, folder, version, major } : undefined;
}

/** The folders that a pattern with one `*` stands for. */
function expand(pattern: string): string[] {
  const star = pattern.indexOf('*');
  const base = pattern.slice(0, pattern.lastIndexOf('/', star));
  const prefix = pattern.slice(base.length + 1, star);
  const rest = pattern.slice(star + 1);
  if (!existsSync(base)) return [];
  return readdirSync(base)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(base, name) + rest);
}
