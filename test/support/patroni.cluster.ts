import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { postgresBinaries, type ServerUser, serverUser } from './postgres.binaries';
import { findExecutable } from './prerequisites.mjs';
import { freePort } from './free.port';
import { replaced, shippedConfig } from './shipped.config';

const NAMES = ['db1', 'db2'] as const;
const PASSWORD = 'secret';

/** Shorter than the shipped ones, so that a failover takes seconds. */
const TIMING = { ttl: 5, loop_wait: 1, retry_timeout: 2, primary_stop_timeout: 3 };
const settleMs = 90_000;
const checkEveryMs = 20;
const maxLogCharacters = 5_000_000;

// Waits until the pipe is closed, which happens when this process ends for any reason. Then it kills every process whose working
// directory is in the folder, also those that Patroni started, and deletes the folder.
const guardScript = `
read -r _
running() {
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd")" in "$0"|"$0"/*) echo "\${process#/proc/}";; esac
  done
}
while left=$(running) && [ -n "$left" ]; do kill -KILL $left; sleep 0.05; done
rm -rf "$0"`;

/** A server with Patroni and Postgres. */
export interface PatroniNode {
  readonly name: string;
  readonly port: number;
  readonly restPort: number;
  readonly folder: string;
}

interface Member {
  name: string;
  role: string;
  state: string;
}

/**
 * Two Postgres servers that Patroni manages, one etcd, and HAProxy in front, with the configuration in `deploy/patroni`. Only
 * addresses, passwords, folders and times differ. Needs the packages of Patroni, etcd, HAProxy and Postgres.
 */
export class PatroniCluster {
  private readonly processes = new Map<string, ChildProcess>();
  private readonly logs = new Map<string, string>();
  private readonly stopping = new AbortController();
  private watching: Promise<void> | undefined;
  /** When HAProxy first routed to another server than before, by `performance.now()`. */
  readonly takeovers: number[] = [];

  private constructor(
    private readonly folder: string,
    private readonly user: ServerUser | undefined,
    private readonly guard: ChildProcess,
    private readonly nodes: readonly [PatroniNode, PatroniNode],
    private readonly etcdPort: number,
    private readonly metricsPort: number,
    /** That of HAProxy, which routes to the primary. */
    readonly port: number,
  ) {}

  /**
   * Resolves when the primary has a synchronous standby, and HAProxy routes to the primary.
   *
   * @param parameters further settings of Postgres
   */
  static async start(parameters: Record<string, string> = {}): Promise<PatroniCluster> {
    const missing = ['patroni', 'etcd', 'haproxy'].filter((name) => findExecutable(name) === undefined);
    if (missing.length > 0)
      throw new Error(`this machine lacks ${missing.join(', ')} (Debian: patroni, etcd-server, haproxy)`);
    const folder = mkdtempSync(join(tmpdir(), 'prism-patroni-'));
    chmodSync(folder, 0o755);
    const guard = spawn('/bin/sh', ['-c', guardScript, folder], {
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true, // Ctrl-C must reach only the tests
    });
    const node = async (name: string): Promise<PatroniNode> => {
      const [port, restPort] = [await freePort(), await freePort()];
      return { name, port, restPort, folder: join(folder, name) };
    };
    const nodes = [await node(NAMES[0]), await node(NAMES[1])] as const;
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const cluster = new PatroniCluster(folder, serverUser(), guard, nodes, ...ports);
    try {
      await cluster.configure(parameters);
      cluster.startEtcd();
      for (const { name } of nodes) cluster.startPatroni(name);
      cluster.run('haproxy', 'haproxy', ['-db', '-f', join(folder, 'haproxy', 'haproxy.cfg')]);
      cluster.watching = cluster.watchRoute();
      await cluster.waitUntilSettled();
      cluster.takeovers.length = 0;
      return cluster;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  /** The URL of a database, through HAProxy. */
  url(database: string, port = this.port): string {
    return `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`;
  }

  /** The URL of a database with both servers, past HAProxy. */
  directUrl(database: string): string {
    const hosts = this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `postgres://postgres:${PASSWORD}@${hosts}/${database}`;
  }

  /** The URL of a database on each server. */
  serverUrls(database: string): string[] {
    return this.nodes.map(({ port }) => this.url(database, port));
  }

  /** The servers by their role at this moment. @throws Error if there is no primary */
  async roles(): Promise<{ primary: PatroniNode; standby: PatroniNode }> {
    const leader = (await this.members()).find(({ role }) => role === 'leader')?.name;
    const primary = this.nodes.find(({ name }) => name === leader);
    const standby = this.nodes.find(({ name }) => name !== leader);
    if (primary === undefined || standby === undefined) throw new Error('Patroni has no leader');
    return { primary, standby };
  }

  /** Resolves when there is a primary with a synchronous standby, and HAProxy routes to it alone. */
  async waitUntilSettled(): Promise<void> {
    const deadline = performance.now() + settleMs;
    while (performance.now() < deadline) {
      const members = await this.members().catch(() => []);
      const leader = members.find(({ role }) => role === 'leader');
      const standby = members.find(({ role }) => role === 'sync_standby');
      const running = [leader, standby].every((member) => /^(running|streaming)$/.test(member?.state ?? ''));
      if (running && String(await this.route()) === leader?.name) return;
      await sleep(100);
    }
    const logs = mkdtempSync(join(tmpdir(), 'prism-patroni-logs-'));
    for (const [name, log] of this.logs) writeFileSync(join(logs, `${name}.log`), log);
    throw new Error(`Patroni has no primary with a synchronous standby after ${settleMs} ms; logs: ${logs}`);
  }

  /** Resolves when HAProxy routes to another server than this one, and to no further one. */
  async waitUntilReplaced({ name }: PatroniNode): Promise<void> {
    const deadline = performance.now() + settleMs;
    while (performance.now() < deadline) {
      const [first, ...others] = await this.route();
      if (first !== undefined && first !== name && others.length === 0) return;
      await sleep(checkEveryMs);
    }
    throw new Error(`HAProxy still routes to ${name}`);
  }

  async switchover(): Promise<void> {
    await this.patronictl('switchover', 'prism', '--force');
  }

  /** Restarts the Postgres of a server. */
  async restart({ name }: PatroniNode): Promise<void> {
    await this.patronictl('restart', 'prism', name, '--force');
  }

  /** `kill -9` of everything on a server, like a power failure. */
  killServer({ folder }: PatroniNode): void {
    signalProcessesIn(folder, 'SIGKILL');
  }

  /** `kill -9` of Patroni alone: Postgres continues to run. */
  killPatroni({ name }: PatroniNode): void {
    this.processes.get(name)?.kill('SIGKILL');
  }

  /** `kill -9` of Postgres alone. */
  killPostgres({ folder }: PatroniNode): void {
    const [pid = ''] = readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n');
    process.kill(Number(pid), 'SIGKILL');
  }

  /** Suspends everything on a server: connections stay open without responses. */
  pauseServer({ folder }: PatroniNode): void {
    signalProcessesIn(folder, 'SIGSTOP');
  }

  resumeServer({ folder }: PatroniNode): void {
    signalProcessesIn(folder, 'SIGCONT');
  }

  startPatroni(name: string): void {
    const { folder } = this.node(name);
    this.run(name, 'patroni', [join(folder, 'config.yml')], this.environment(name));
  }

  startEtcd(): void {
    this.run('etcd', 'etcd', ['--config-file', join(this.folder, 'etcd', 'etcd.yml')]);
  }

  /** `kill -9`; its data stays. */
  async stopEtcd(): Promise<void> {
    const child = this.processes.get('etcd');
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  /** Ends all processes and deletes their data. */
  async remove(): Promise<void> {
    this.stopping.abort();
    await this.watching;
    const exit = once(this.guard, 'exit');
    this.guard.stdin?.end();
    await exit;
  }

  private node(name: string): PatroniNode {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`there is no server ${name}`);
    return found;
  }

  /** What `patroni.env` sets, on this machine. */
  private environment(name: string): Record<string, string> {
    const { port, restPort } = this.node(name);
    const values: Record<string, string> = {
      PATRONI_NAME: name,
      PATRONI_POSTGRESQL_CONNECT_ADDRESS: `127.0.0.1:${port}`,
      PATRONI_RESTAPI_CONNECT_ADDRESS: `127.0.0.1:${restPort}`,
    };
    const names = [...shippedConfig('patroni/patroni.env').matchAll(/^(PATRONI_\w+)=(.*)$/gm)];
    return Object.fromEntries(names.map(([, key = '', value = '']) => [key, values[key] ?? (value || PASSWORD)]));
  }

  private async configure(parameters: Record<string, string>): Promise<void> {
    for (const node of this.nodes) this.write(node.name, 'config.yml', this.patroniConfig(node, parameters));
    const [client, peer] = [this.etcdPort, await freePort()].map((port) => `http://127.0.0.1:${port}`);
    this.write(
      'etcd',
      'etcd.yml',
      stringify({
        ...(parse(shippedConfig('patroni/etcd.yml')) as object),
        'data-dir': join(this.folder, 'etcd', 'data'),
        'listen-client-urls': client,
        'advertise-client-urls': client,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'initial-cluster': `etcd1=${peer ?? ''}`,
      }),
    );
    const moved = this.nodes.reduce(
      (text, { name, port, restPort }) => replaced(text, `${name}:5432`, `127.0.0.1:${port} port ${restPort}`),
      replaced(shippedConfig('patroni/haproxy.cfg'), 'bind :5432', `bind 127.0.0.1:${this.port}`),
    );
    const metrics = `bind 127.0.0.1:${this.metricsPort}`;
    this.write('haproxy', 'haproxy.cfg', replaced(moved, 'bind "${METRICS_HOST}:8405"', metrics));
  }

  private patroniConfig({ port, restPort, folder }: PatroniNode, parameters: Record<string, string>): string {
    const config = parse(
      shippedConfig('patroni/patroni.yml').replaceAll('10.0.0.0/8', '127.0.0.1/32'),
    ) as PatroniConfig;
    config.restapi.listen = `127.0.0.1:${restPort}`;
    config.etcd3.hosts = [`127.0.0.1:${this.etcdPort}`];
    Object.assign(config.bootstrap.dcs, TIMING);
    Object.assign(config.bootstrap.dcs.postgresql.parameters, parameters);
    Object.assign(config.postgresql, {
      listen: `127.0.0.1:${port}`,
      data_dir: join(folder, 'data'),
      bin_dir: postgresBinaries(this.user),
      pgpass: join(folder, 'pgpass'),
    });
    config.postgresql.parameters.unix_socket_directories = folder;
    return stringify(config);
  }

  /** Writes a file that the servers' user owns, in a folder of it. */
  private write(folderName: string, name: string, text: string): void {
    const folder = join(this.folder, folderName);
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    for (const path of [folder, join(folder, name)]) if (this.user) chownSync(path, this.user.uid, this.user.gid);
  }

  private run(folderName: string, program: string, args: string[], environment: Record<string, string> = {}): void {
    const child = spawn(findExecutable(program) ?? program, args, {
      ...this.user,
      cwd: join(this.folder, folderName), // by which the guard finds it, and what it starts
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C must reach only the tests
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        const log = (this.logs.get(folderName) ?? '') + chunk.toString();
        this.logs.set(folderName, log.slice(-maxLogCharacters));
      });
    }
    this.processes.set(folderName, child);
  }

  private async patronictl(...args: string[]): Promise<void> {
    const { name, folder } = this.nodes[0];
    await promisify(execFile)('patronictl', ['-c', join(folder, 'config.yml'), ...args], {
      ...this.user,
      cwd: folder,
      env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', ...this.environment(name) },
    });
  }

  private async members(): Promise<Member[]> {
    for (const { restPort } of this.nodes) {
      try {
        const response = await fetch(`http://127.0.0.1:${restPort}/cluster`, { signal: AbortSignal.timeout(2_000) });
        return ((await response.json()) as { members: Member[] }).members;
      } catch {
        // It is down, or does not respond.
      }
    }
    throw new Error('no Patroni responds');
  }

  /** The names of the servers to which HAProxy routes. */
  private async route(): Promise<string[]> {
    const response = await fetch(`http://127.0.0.1:${this.metricsPort}/metrics?scope=server`).catch(() => undefined);
    const metrics = (await response?.text()) ?? '';
    const up = /^haproxy_server_status\{proxy="primary",server="(\w+)",state="UP"\} 1/gm;
    return [...metrics.matchAll(up)].map(([, name = '']) => name);
  }

  private async watchRoute(): Promise<void> {
    let [before, routed]: [string[], string | undefined] = [[], undefined];
    while (!this.stopping.signal.aborted) {
      const up = await this.route();
      const other = up.find((name) => name !== routed && !before.includes(name));
      if (other !== undefined) {
        routed = other;
        this.takeovers.push(performance.now());
      }
      before = up;
      await sleep(checkEveryMs);
    }
  }
}

interface PatroniConfig {
  restapi: { listen: string };
  etcd3: { hosts: string[] };
  bootstrap: { dcs: { postgresql: { parameters: Record<string, unknown> } } };
  postgresql: { parameters: Record<string, string> };
}

/** Also to processes that were started by others. */
function signalProcessesIn(folder: string, signal: NodeJS.Signals): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const workingFolder = readlinkSync(`/proc/${pid}/cwd`);
      if (workingFolder === folder || workingFolder.startsWith(`${folder}/`)) process.kill(Number(pid), signal);
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}
