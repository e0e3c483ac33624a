import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { postgresBinaries, type ServerUser, serverUser } from './postgres.binaries';
import { freePort } from './redis.server';

/** `immediate`: as if the machine had lost power, which leaves the recovery to the next start. `fast`: orderly. */
export type StopMode = 'immediate' | 'fast';

const signals = { immediate: 'SIGQUIT', fast: 'SIGINT' } as const;
const startDeadlineMs = 30_000;
const logKept = 20_000;

// Waits for the end of the test process, whatever ends it: then its end of the pipe is closed. The server must not
// outlive it.
const guardScript = 'read -r _; kill -QUIT "$0"; while kill -0 "$0"; do sleep 0.1; done; rm -rf "$1"';

/** A Postgres of a test's own, with durability as in production, to be stopped and started again on the same data. */
export class PostgresServer {
  private child: ChildProcess | undefined;
  private guard: ChildProcess | undefined;
  private log = '';

  private constructor(
    private readonly folder: string,
    private readonly user: ServerUser | undefined,
    readonly port: number,
    private readonly settings: Record<string, string>,
  ) {}

  /** Makes an empty cluster and starts it, with these settings beside the test's own. */
  static async create(settings: Record<string, string> = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-postgres-'));
    const user = serverUser();
    if (user) chownSync(folder, user.uid, user.gid);
    execFileSync(
      join(postgresBinaries(user), 'initdb'),
      ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
      { ...user, cwd: folder, stdio: 'pipe' },
    );
    const server = new PostgresServer(folder, user, await freePort(), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  /** Resolves when it answers statements, recovery included. */
  async start(): Promise<void> {
    const settings = {
      port: String(this.port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: '60',
      ...this.settings,
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
      this.log = (this.log + chunk.toString()).slice(-logKept);
    });
    this.child = child;
    this.guard = spawn('/bin/sh', ['-c', guardScript, String(child.pid), this.folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Ctrl-C is for the tests
    });
    await this.responses(child);
  }

  async stop(mode: StopMode): Promise<void> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    this.guard?.kill('SIGKILL');
    const exit = once(child, 'exit');
    child.kill(signals[mode]);
    await exit;
  }

  /** Copies the data of a server that was stopped, for {@link restoreData}. */
  saveData(): void {
    this.copy('data', 'saved');
  }

  /** Gives a server that was stopped the data as they were saved: a restore to an earlier time. */
  restoreData(): void {
    this.copy('saved', 'data');
  }

  /** With its owner and rights, which Postgres looks at. */
  private copy(from: string, to: string): void {
    rmSync(join(this.folder, to), { recursive: true, force: true });
    execFileSync('cp', ['-a', from, to], { cwd: this.folder });
  }

  /** Stops it and takes its data away. */
  async remove(): Promise<void> {
    await this.stop('immediate');
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async responses(child: ChildProcess): Promise<void> {
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
