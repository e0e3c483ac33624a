import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { DataFolder } from './data.folder';
import { freePort } from './free.port';
import { findPostgres, type PostgresBinaries } from './postgres.binaries';
import { QuickstartError } from './quickstart.error';
import type { ProcessSpec, ServerProcesses } from './server.processes';
import { newPassword, type Service } from './service';
import { folderFor, outputOf, serviceUser } from './service.user';
import { waitUntil } from './wait.until';

const SUPERUSER = 'prism';
const READY_MS = 60_000;

/**
 * Runs a Postgres on the loopback interface, without a socket file, with a password and its data in `.data/`.
 *
 * @throws QuickstartError if none is found, or it does not start
 */
export async function startPostgres(
  folder: DataFolder,
  servers: ServerProcesses,
  env: NodeJS.ProcessEnv,
): Promise<Service> {
  const user = serviceUser();
  const parent = folderFor(user, folder);
  const homeOf = ({ major }: PostgresBinaries): string => join(parent, `postgres-${major}`);
  const hasData = (each: PostgresBinaries): boolean => existsSync(join(homeOf(each), 'data', 'PG_VERSION'));
  const binaries = findPostgres(env, user, parent, hasData);

  const home = homeOf(binaries);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  // The user who first ran Postgres keeps its files, also when root starts it later.
  const { uid, gid } = statSync(home);
  const owner = user && uid !== 0 ? { uid, gid } : user;
  const own = (path: string): void => {
    if (owner) chownSync(path, owner.uid, owner.gid);
  };
  own(home);

  const [data, passwordFile] = [join(home, 'data'), join(home, 'password')];
  // None of the caller's variables: PGDATA, PGPORT and others would change what Postgres does.
  const spec = (name: 'initdb' | 'postgres', args: string[]): ProcessSpec => ({
    ...{ name, args, command: join(binaries.folder, name), stopSignal: 'SIGINT', user: owner },
    env: { PATH: env.PATH, LC_ALL: 'C' },
  });
  if (!hasData(binaries)) {
    writeFileSync(passwordFile, newPassword(), { mode: 0o600 });
    own(passwordFile);
    // Renamed when complete: a start that is killed meanwhile leaves no incomplete data.
    const draft = `${data}.new`;
    rmSync(draft, { recursive: true, force: true });
    const access = ['-U', SUPERUSER, '-A', 'scram-sha-256', '--pwfile', passwordFile];
    await servers.run(spec('initdb', ['-D', draft, ...access, '-E', 'UTF8', '--locale=C']));
    renameSync(draft, data);
  }
  removeStalePidFile(data);
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', `port=${port ?? ''}`, 'unix_socket_directories=', 'fsync=on'];
  servers.start(spec('postgres', ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]));
  // As pg_ctl does: the eighth line of the pid file is the state.
  const isReady = (): boolean => pidFileLines(data)[7]?.trim() === 'ready';
  if (!(await waitUntil(isReady, READY_MS))) {
    throw new QuickstartError(`postgres is not ready after ${READY_MS / 1000} s`, servers.logFile('postgres'));
  }
  const password = readFileSync(passwordFile, 'utf8');
  return {
    origin: binaries.origin,
    // Without TLS, also if PGSSLMODE requests it for another server.
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${port ?? ''}/postgres?sslmode=disable`,
    version: binaries.version,
    dataFolder: home,
  };
}

/**
 * Removes the pid file of a Postgres that was killed, if its process id now belongs to another program: Postgres compares
 * only the id, and would not start.
 */
function removeStalePidFile(data: string): void {
  const pid = Number.parseInt(pidFileLines(data)[0] ?? '', 10);
  const command = outputOf('sh', ['-c', `cat /proc/${pid}/cmdline 2>&- || ps -o command= -p ${pid}`], undefined);
  if (command !== undefined && !/postgres|postmaster/.test(command)) rmSync(join(data, 'postmaster.pid'));
}

function pidFileLines(data: string): string[] {
  const file = join(data, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}
