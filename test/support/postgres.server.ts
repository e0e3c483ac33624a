import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { postgresBinaries, type ServerUser, serverUser } from './postgres.binaries';
import { freePort } from './free.port';

/** `immediate`: without a checkpoint, like a power failure, so that the next start recovers. `fast`: orderly. */
export type StopMode = 'immediate' | 'fast';

/** Copies the WAL to a folder beside the data. */
export const ARCHIVE_SETTINGS = {
  archive_mode: 'on',
  // Under its name only when it is complete.
  archive_command: 'mkdir -p ../archive && cp %p ../archive/%f.part && mv ../archive/%f.part ../archive/%f',
};

const signals = { immediate: 'SIGQUIT', fast: 'SIGINT' } as const;
const startDeadlineMs = 30_000;
const maxLogCharacters = 20_000;

// Waits until the pipe is closed, which happens when the test process ends for any reason, and then stops the server.
const guardScript = 'read -r _; kill -QUIT "$0"; while kill -0 "$0"; do sleep 0.1; done; rm -rf "$1"';

/** A Postgres of one test, with production durability, which can be stopped and started on the same data. */
export class PostgresServer {
  private child: ChildProcess | undefined;
  private guard: ChildProcess | undefined;
  private log = '';

  private constructor(
    private readonly folder: string,
    readonly user: ServerUser | undefined,
    readonly port: number,
    private readonly settings: Record<string, string>,
  ) {}

  /**
   * Creates and starts an empty cluster, with additional settings.
   *
   * @param files.hba the content of `pg_hba.conf`; by default, no user needs a password
   * @param files.tls paths of the certificate and key with which it accepts encrypted connections
   */
  static async create(
    settings: Record<string, string> = {},
    files: { hba?: string; tls?: { certificate: string; key: string } } = {},
  ): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-postgres-'));
    const user = serverUser();
    if (user) chownSync(folder, user.uid, user.gid);
    execFileSync(
      join(postgresBinaries(user), 'initdb'),
      ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      { ...user, cwd: folder, stdio: 'pipe' },
    );
    const { hba, tls } = files;
    if (hba !== undefined) writeFileSync(join(folder, 'data/pg_hba.conf'), hba);
    if (tls) {
      addFile(join(folder, 'data/server.crt'), readFileSync(tls.certificate, 'utf8'), user);
      addFile(join(folder, 'data/server.key'), readFileSync(tls.key, 'utf8'), user);
    }
    const server = new PostgresServer(folder, user, await freePort(), { ...settings, ...(tls && { ssl: 'on' }) });
    await server.start();
    return server;
  }

  /** A streaming standby of a running server, named `standby`. @param port by default a free one */
  static async standbyOf(primary: PostgresServer, port?: number): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-postgres-'));
    const user = serverUser();
    if (user) chownSync(folder, user.uid, user.gid);
    await baseBackup(primary, join(folder, 'data'));
    const source = `host=127.0.0.1 port=${primary.port} user=postgres application_name=standby`;
    addFile(join(folder, 'data/standby.signal'), '', user);
    appendFileSync(join(folder, 'data/postgresql.auto.conf'), `primary_conninfo = '${source}'\n`);
    const server = new PostgresServer(folder, user, port ?? (await freePort()), primary.settings);
    await server.start();
    return server;
  }

  get dataFolder(): string {
    return join(this.folder, 'data');
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** Resolves when it accepts statements, after recovery. @param additional settings of this start */
  async start(additional: Record<string, string> = {}): Promise<void> {
    const settings = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '60',
      ...this.settings,
      ...additional,
    };
    const child = spawn(
      join(postgresBinaries(this.user), 'postgres'),
      [
        '-D',
        join(this.folder, 'data'),
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
      { ...this.user, cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-maxLogCharacters);
    });
    this.child = child;
    this.guard = spawn('/bin/sh', ['-c', guardScript, String(child.pid), this.folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Ctrl-C must reach only the tests
    });
    await this.waitUntilResponding(child);
  }

  async stop(mode: StopMode): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    this.guard?.kill('SIGKILL');
    const exit = once(child, 'exit');
    child.kill(signals[mode]);
    await exit;
  }

  /** Copies the data of a stopped server, for {@link restoreData}. */
  saveData(): void {
    this.copy('data', 'saved');
  }

  /** Replaces the data of a stopped server by the saved data: a restore to an earlier time. */
  restoreData(): void {
    this.copy('saved', 'data');
  }

  /** Makes a base backup of the running server, for {@link recover}. Its settings must contain {@link ARCHIVE_SETTINGS}. */
  async backUp(): Promise<void> {
    await baseBackup(this, join(this.folder, 'saved'));
  }

  /** Resolves when the WAL up to now is archived. */
  async archiveWal(): Promise<void> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    const { rows } = await client.query<{ file: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS file');
    const file = join(this.folder, 'archive', rows[0]?.file ?? '');
    while (!existsSync(file)) await sleep(20);
    await client.end();
  }

  /** Starts the stopped server from its backup, with the archived WAL up to a restore point. Resolves when it accepts writes. */
  async recover(restorePoint: string): Promise<void> {
    this.restoreData();
    addFile(join(this.folder, 'data/recovery.signal'), '', this.user);
    await this.start({
      restore_command: 'cp ../archive/%f %p',
      recovery_target_name: restorePoint,
      recovery_target_action: 'promote',
      hot_standby: 'off', // refuses connections until the recovery is complete
    });
  }

  /** Stops the server and deletes its data. */
  async remove(): Promise<void> {
    await this.stop('immediate');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Copies owner and mode too, which Postgres checks. */
  private copy(from: string, to: string): void {
    rmSync(join(this.folder, to), { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to], { cwd: this.folder });
  }

  private async waitUntilResponding(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + startDeadlineMs;
    while (performance.now() < deadline && child.exitCode === null) {
      const client = new Client({ connectionString: this.url });
      try {
        await client.connect();
        await client.end();
        return;
      } catch {
        // Not listening yet, or still recovering.
        await sleep(20);
      }
    }
    throw new Error(`postgres did not start:\n${this.log}`);
  }
}

/** Copies the data of a running server. `pg_basebackup` is not part of every installation. */
async function baseBackup(server: PostgresServer, to: string): Promise<void> {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  await client.query("SELECT pg_backup_start('backup', true)");
  copyData(server.dataFolder, to, server.user);
  const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
  await client.end();
  addFile(join(to, 'backup_label'), rows[0]?.labelfile ?? '', server.user);
}

/** Copies the files of a running server; the WAL comes by streaming or from an archive. */
function copyData(from: string, to: string, user: ServerUser | undefined): void {
  const script =
    'mkdir -m 700 "$1" && tar -C "$0" --exclude=./postmaster.pid --exclude="./pg_wal/*" -cf - . | tar -C "$1" -xpf - && mkdir "$1/pg_wal/archive_status"';
  execFileSync('/bin/sh', ['-c', script, from, to], { ...user, cwd: '/', stdio: 'pipe' });
}

/** A file that only the server's user can read. */
function addFile(path: string, text: string, user: ServerUser | undefined): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (user) chownSync(path, user.uid, user.gid);
}
