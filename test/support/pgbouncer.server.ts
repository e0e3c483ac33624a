import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { guard } from './child.guard';
import { serverUser } from './postgres.binaries';
import { findExecutable } from './prerequisites.mjs';
import { freePort } from './free.port';

export type PoolMode = 'session' | 'transaction';

/** The roles that can connect, all with this password. */
const ROLES = ['postgres', 'prism_gateway', 'prism_worker'];
const PASSWORD = 'secret';

/** PgBouncer with the shipped configuration of a mode, in front of one Postgres. */
export class PgBouncer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly port: number,
  ) {}

  /**
   * Resolves when it listens.
   *
   * @param settings that replace those of the shipped configuration, or are added to it
   */
  static async start(mode: PoolMode, postgresUrl: string, settings: Record<string, string> = {}): Promise<PgBouncer> {
    const folder = mkdtempSync(join(tmpdir(), 'prism-pgbouncer-'));
    const user = serverUser(); // it does not run as root either
    if (user) chownSync(folder, user.uid, user.gid);
    const [port, users, file] = [await freePort(), join(folder, 'userlist.txt'), join(folder, 'pgbouncer.ini')];
    writeFileSync(users, ROLES.map((role) => `"${role}" "${PASSWORD}"\n`).join(''));
    const { hostname, port: postgresPort } = new URL(postgresUrl);
    const shipped = readFileSync(`deploy/pgbouncer/${mode}.ini`, 'utf8');
    const all = { listen_addr: '127.0.0.1', listen_port: String(port), auth_file: users, ...settings };
    const moved = shipped.replace(/^prism = .*$/m, `* = host=${hostname} port=${postgresPort}`);
    const edited = Object.entries(all).reduce(
      (text, [name, value]) => `${text.replace(new RegExp(`^${name} = .*$`, 'm'), '')}\n${name} = ${value}\n`,
      PgBouncer.preparesStatements ? moved : moved.replace(/^max_prepared_statements = .*$/m, ''),
    );
    writeFileSync(file, edited);
    const child = spawn(executable(), [file], { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    guard(child);
    const server = new PgBouncer(child, folder, port);
    while (!(await server.accepts())) {
      if (child.exitCode !== null) throw new Error(`pgbouncer did not start:\n${log}`);
      await sleep(10);
    }
    return server;
  }

  /** Whether it is 1.21 or newer, which manages prepared statements with transaction pooling. */
  static get preparesStatements(): boolean {
    const version = /PgBouncer (\d+)\.(\d+)/.exec(execFileSync(executable(), ['--version'], { encoding: 'utf8' }));
    return Number(version?.[1]) > 1 || Number(version?.[2]) >= 21;
  }

  /** The URL of a database, as a role. */
  url(database: string, role = 'prism_gateway'): string {
    return `postgres://${role}:${PASSWORD}@127.0.0.1:${this.port}/${database}`;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async accepts(): Promise<boolean> {
    const client = new Client({ connectionString: this.url('postgres', 'postgres') });
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      return false; // not listening yet
    }
  }
}

/** The settings of a gateway behind it. */
export function poolerSettings(mode: PoolMode): Record<string, string> {
  const unprepared = mode === 'transaction' && !PgBouncer.preparesStatements;
  return { DATABASE_POOLER: mode, ...(unprepared && { DATABASE_PREPARED_STATEMENTS: 'off' }) };
}

function executable(): string {
  return findExecutable('pgbouncer') ?? 'pgbouncer';
}
