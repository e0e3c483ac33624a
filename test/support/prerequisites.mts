import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program or a Python module that tests use, and how to install it. */
interface Prerequisite {
  /** Also the tag of the tests that need it: `@module-tag <name>` in a file, `{ tags: ['<name>'] }` in a test. */
  name: string;
  /** The Debian package that contains it. */
  package: string;
  /** Names of the executable; `name` if left out. */
  executables?: readonly string[];
  /** Environment variable with the path of the executable. */
  variable?: string;
  /** The oldest version that the tests can use, for the message. */
  version?: string;
  /** Whether this executable is new enough, or has what the tests need; by default, any is. */
  isUsable?: (executable: string) => boolean;
  /** Tests may be skipped for lack of it even if all prerequisites are required. */
  optional?: true;
}

const prerequisites: readonly Prerequisite[] = [
  { name: 'psql', package: 'postgresql-client' },
  { name: 'redis-server', package: 'redis-server' },
  { name: 'haproxy', package: 'haproxy' },
  { name: 'pgbouncer', package: 'pgbouncer', variable: 'PGBOUNCER_PATH' },
  {
    name: 'patroni',
    package: 'patroni postgresql',
    // Patroni makes standbys with programs that the npm package of Postgres lacks.
    isUsable: () => findPackagedPostgres('pg_basebackup') && findPackagedPostgres('pg_rewind'),
  },
  {
    name: 'citus',
    package: 'postgresql-15-citus-13.2',
    executables: ['psql'],
    isUsable: () => findCitus(),
    // The package is of Citus' own repository.
    optional: true,
  },
  { name: 'etcd', package: 'etcd-server' },
  { name: 'prometheus', package: 'prometheus' },
  { name: 'promtool', package: 'prometheus' },
  {
    name: 'chromium',
    package: 'chromium',
    executables: ['chromium', 'chromium-browser', 'google-chrome'],
    variable: 'CHROMIUM_PATH',
  },
  { name: 'curl', package: 'curl' },
  { name: 'ps', package: 'procps' },
  { name: 'openssl', package: 'openssl' },
  {
    name: 'python3-requests',
    package: 'python3-requests',
    executables: ['python3'],
    isUsable: (python) => {
      const check = "import importlib.util, sys; sys.exit(importlib.util.find_spec('requests') is None)";
      return spawnSync(python, ['-c', check]).status === 0;
    },
  },
  {
    name: 'kubectl',
    package: 'kubernetes-client',
    version: '1.27',
    isUsable: (kubectl) => {
      const { stdout } = spawnSync(kubectl, ['version', '--client'], { encoding: 'utf8' });
      return /Kustomize Version: v([5-9]|\d\d)/.test(stdout);
    },
    // The package of Debian 12 is older.
    optional: true,
  },
];

/** Where Debian installs the versions of Postgres. */
const postgresFolder = '/usr/lib/postgresql';

/** Where Debian installs daemons. A user's PATH often lacks it. */
const daemonFolder = '/usr/sbin';

/** A tag of tests in the form that vitest's configuration takes. */
interface TestTag {
  name: string;
  description: string;
  skip?: true;
}

/**
 * One tag per prerequisite. The tag of one that this machine lacks skips its tests.
 *
 * @throws Error if `PRISM_TEST_REQUIRE_ALL` is set and a prerequisite is missing that is not optional
 */
export function prerequisiteTags(): TestTag[] {
  const missing = prerequisites.filter(({ name }) => !isInstalled(name));
  const required = missing.filter(({ optional }) => optional !== true);
  if (required.length > 0 && (process.env.PRISM_TEST_REQUIRE_ALL ?? '') !== '') {
    throw new Error(`PRISM_TEST_REQUIRE_ALL is set, and this machine lacks ${installHint(required)}`);
  }
  return prerequisites.map((prerequisite) => ({
    name: prerequisite.name,
    description: `needs ${installHint([prerequisite])}`,
    ...(missing.includes(prerequisite) && { skip: true as const }),
  }));
}

/** The path of a prerequisite's executable, or undefined if this machine lacks it. */
export function findExecutable(name: string): string | undefined {
  const { executables = [name], variable } = prerequisites.find((known) => known.name === name) ?? {};
  const configured = variable === undefined ? undefined : process.env[variable];
  const folders = [...(process.env.PATH ?? '').split(delimiter), daemonFolder];
  const candidates = folders.flatMap((folder) => executables.map((executable) => join(folder, executable)));
  return [configured, ...candidates].find((path) => path !== undefined && isExecutable(path));
}

/** Whether this machine has what the tests with the tag need. */
export function isInstalled(name: string): boolean {
  const { isUsable } = prerequisites.find((known) => known.name === name) ?? {};
  const executable = findExecutable(name);
  return executable !== undefined && (isUsable === undefined || isUsable(executable));
}

function findPackagedPostgres(program: string): boolean {
  const versions = existsSync(postgresFolder) ? readdirSync(postgresFolder) : [];
  return versions.some((version) => isExecutable(join(postgresFolder, version, 'bin', program)));
}

/** Whether the newest packaged Postgres, which tests start, has Citus. */
function findCitus(): boolean {
  const versions = existsSync(postgresFolder) ? readdirSync(postgresFolder) : [];
  const newest = Math.max(0, ...versions.map(Number));
  return existsSync(join('/usr/share/postgresql', String(newest), 'extension', 'citus.control'));
}

function installHint(missing: readonly Prerequisite[]): string {
  const names = missing.map(({ name, version }) => (version === undefined ? name : `${name} ${version} or newer`));
  return `${names.join(', ')}: apt-get install ${[...new Set(missing.map((one) => one.package))].join(' ')}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
