import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { guard } from './child.guard';
import { builtFile, repositoryFolder } from './repository.files';

const gatewayProgram = builtFile('apps/gateway/main.js');
const startDeadlineMs = 60_000;
const drainDeadlineMs = 20_000;
const maxLogCharacters = 20_000;

export interface ProgramSetup {
  /** The port of its health checks: of the API for a gateway, of metrics for a worker. A worker gets it by `settings` too. */
  port: number;
  /** Settings by environment variable. */
  settings: Record<string, string>;
  /** Files that Node loads before the program. */
  preloads: string[];
  /** Path of the built program; by default, the gateway. */
  program?: string;
}

/** A built program as a process, which can be killed, suspended, drained and started again. */
export class ProgramProcess {
  private child: ChildProcess | undefined;
  private expected = false;
  private log = '';
  /** Unexpected ends of the process. */
  readonly failures: string[] = [];

  constructor(
    readonly name: string,
    private readonly setup: ProgramSetup,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.setup.port}`;
  }

  /** The end of its log. */
  get lastLog(): string {
    return this.log;
  }

  /** Resolves when it responds. */
  async start(): Promise<void> {
    const flags = this.setup.preloads.flatMap((file) => ['--require', file]);
    const child = spawn(process.execPath, [...flags, this.setup.program ?? gatewayProgram], {
      cwd: repositoryFolder,
      env: { PATH: process.env.PATH, HOST: '127.0.0.1', PORT: String(this.setup.port), ...this.setup.settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guard(child);
    this.child = child;
    this.expected = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.log = (this.log + chunk.toString()).slice(-maxLogCharacters);
      });
    }
    child.once('exit', (code, signal) => {
      if (!this.expected) this.failures.push(`${this.name} ended unexpectedly (${code ?? signal ?? ''})`);
    });
    await this.waitFor('/health/live', startDeadlineMs);
  }

  /** `kill -9`, even while suspended. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** SIGTERM: it must complete its requests and exit with 0. */
  async drain(): Promise<void> {
    const overdue = setTimeout(() => {
      this.failures.push(`${this.name} did not end within ${drainDeadlineMs} ms of SIGTERM`);
      this.child?.kill('SIGKILL');
    }, drainDeadlineMs);
    const code = await this.end('SIGTERM');
    clearTimeout(overdue);
    if (code !== 0) this.failures.push(`${this.name} ended with ${code ?? 'a signal'} after SIGTERM`);
  }

  /** Suspends the process: connections stay open without responses. */
  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  /** Resolves when it is ready. @throws Error if it is not in time */
  async ready(withinMs: number): Promise<void> {
    await this.waitFor('/health/ready', withinMs);
  }

  async close(): Promise<void> {
    await this.kill();
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const { child } = this;
    if (child?.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    this.expected = true;
    const exit = once(child, 'exit') as Promise<[number | null]>; // the arguments of `exit`
    child.kill(signal);
    const [code] = await exit;
    return code;
  }

  private async waitFor(path: string, withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    let last = 'no attempt';
    while (performance.now() < deadline && this.child?.exitCode === null) {
      try {
        const { statusCode, body } = await request(this.url + path, { headersTimeout: 2_000, bodyTimeout: 2_000 });
        last = `${statusCode} ${await body.text()}`;
        if (statusCode === 200) return;
      } catch (error) {
        last = String(error); // not listening yet
      }
      await sleep(25);
    }
    throw new Error(`${this.name} did not respond 200 to ${path} within ${withinMs} ms: ${last}\n${this.log}`);
  }
}
