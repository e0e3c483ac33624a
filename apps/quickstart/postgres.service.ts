import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type DataFolder } from './data.folder';
import { freePort } from './free.port';
import { type Supervisor } from './keeper.client';
import { type ProgramSpec } from './keeper.protocol';
import { findPostgres, type PostgresBinaries } from './postgres.binaries';
import { stopStalePostgres } from './postgres.stale';
import { QuickstartError } from './quickstart.error';
import { newPassword } from './secret.store';
import { type Service } from './service';
import { serviceUser, type User } from './unprivileged.user';
import { waitUntil } from './wait.until';

const SUPERUSER = 'prism';
const DATABASE = 'postgres';
const READY_MS = 60_000;

/** Fast shutdown (connections are cut, data written), then immediate (recovers at the next start), then by force. */
const STOP: ProgramSpec['stop'] = [
  { signal: 'SIGINT', waitMs: 8_000 },
  { signal: 'SIGQUIT', waitMs: 4_000 },
  { signal: 'SIGKILL', waitMs: 1_000 },
];

interface Cluster {
  home: string;
  data: string;
  passwordFile: string;
  /** Whom the folder belongs to if we are root. */
  owner?: User;
}

/** Runs a Postgres of our own: loopback only, no socket file, a password that nobody else knows. */
export class PrivatePostgres {
  constructor(
    private readonly folder: DataFolder,
    private readonly supervisor: Supervisor,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** @throws QuickstartError if none is found, or it does not start. */
  async start(): Promise<Service> {
    const user = serviceUser();
    const place = this.folder.reachableBy(user);
    const home = (major: number) => join(place, `postgres-${major}`);
    const hasData = (major: number) => existsSync(join(home(major), 'data', 'PG_VERSION'));
    const binaries = findPostgres(this.env, user, place, hasData);
    const cluster = this.prepare(home(binaries.major), user);
    if (!hasData(binaries.major)) await this.initialise(binaries, cluster);
    await stopStalePostgres(cluster.data, STOP);
    const port = await this.serve(binaries, cluster);
    return {
      origin: binaries.origin,
      url: addressOf(readFileSync(cluster.passwordFile, 'utf8'), port),
      version: binaries.version,
      address: `127.0.0.1:${port}`,
      dataFolder: cluster.home,
    };
  }

  /** Makes the folder, closed to everyone but the user that Postgres runs as: who made it once keeps it. */
  private prepare(home: string, user: User | undefined): Cluster {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const { uid, gid } = statSync(home);
    const owner = user && uid !== 0 ? { uid, gid } : user;
    if (owner) chownSync(home, owner.uid, owner.gid);
    return { home, data: join(home, 'data'), passwordFile: join(home, 'password'), ...(owner && { owner }) };
  }

  private async initialise(binaries: PostgresBinaries, cluster: Cluster): Promise<void> {
    writeFileSync(cluster.passwordFile, newPassword(), { mode: 0o600 });
    if (cluster.owner) chownSync(cluster.passwordFile, cluster.owner.uid, cluster.owner.gid);
    // Renamed once it is whole: a start that is killed half-way leaves nothing that looks usable.
    const draft = `${cluster.data}.new`;
    rmSync(draft, { recursive: true, force: true });
    const args = ['-D', draft, '-U', SUPERUSER, '-A', 'scram-sha-256', '--pwfile', cluster.passwordFile];
    await this.supervisor.run({
      ...this.program('initdb', binaries, cluster),
      args: [...args, '-E', 'UTF8', ...localeOptions(binaries.major)],
      stop: [
        { signal: 'SIGTERM', waitMs: 4_000 },
        { signal: 'SIGKILL', waitMs: 1_000 },
      ],
    });
    renameSync(draft, cluster.data);
  }

  /** @returns the port it listens on. */
  private async serve(binaries: PostgresBinaries, cluster: Cluster): Promise<number> {
    const port = await freePort();
    const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'fsync=on'];
    const spec = {
      ...this.program('postgres', binaries, cluster),
      args: ['-D', cluster.data, ...settings.flatMap((setting) => ['-c', setting])],
      stop: STOP,
    };
    this.supervisor.spawn(spec);
    const ready = await waitUntil(() => {
      this.supervisor.assertRunning(spec.name);
      return acceptsConnections(cluster.data, port);
    }, READY_MS);
    if (!ready) throw new QuickstartError(`postgres does not get ready within ${READY_MS / 1000} s`, spec.logFile);
    return port;
  }

  private program(name: string, binaries: PostgresBinaries, cluster: Cluster): Omit<ProgramSpec, 'args' | 'stop'> {
    return {
      name,
      command: join(binaries.folder, name),
      cwd: '/',
      // Nothing of the caller's: PGDATA, PGPORT and the like would lead it astray.
      env: { PATH: this.env.PATH, LC_ALL: 'C' },
      logFile: this.folder.file('postgres.log'),
      ...(cluster.owner && { user: cluster.owner }),
    };
  }
}

/** Says that there is no TLS: PGSSLMODE, which the environment may hold for another server, would ask for it. */
function addressOf(password: string, port: number): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${DATABASE}?sslmode=disable`;
}

/** Case and order by Unicode's rules wherever that does not depend on what locales the system has installed. */
function localeOptions(major: number): string[] {
  if (major >= 17) return ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  if (major >= 15) return ['--locale=C', '--locale-provider=icu', '--icu-locale=und'];
  return ['--locale=C'];
}

/** As `pg_ctl` tells: the eighth line of the pid file, the fourth being the port. */
function acceptsConnections(dataFolder: string, port: number): boolean {
  const file = join(dataFolder, 'postmaster.pid');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines[3] === String(port) && lines[7]?.trim() === 'ready';
}
