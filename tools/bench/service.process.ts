import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from '../../test/support/child.guard';
import { repositoryFolder } from '../../test/support/repository.files';
import { cpuSecondsOf, resetPeak, peakBytesOf } from './process.usage';

const startDeadlineMs = 60_000;
const maxLogCharacters = 10_000;

export interface ServiceSetup {
  name: string;
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  port: number;
  /** The path that responds 200 when the service is ready. */
  readyPath: string;
  /** Whether it is a Node process that accepts messages: see {@link ServiceProcess.ask}. */
  takesMessages?: boolean;
}

/** A program that serves HTTP, and its use of CPU and memory. */
export class ServiceProcess {
  private log = '';

  private constructor(
    private readonly setup: ServiceSetup,
    private readonly child: ChildProcess,
    readonly pid: number,
  ) {}

  /** Resolves when it is ready. */
  static async start(setup: ServiceSetup, signal: AbortSignal): Promise<ServiceProcess> {
    const child = spawn(setup.command, setup.args, {
      cwd: repositoryFolder,
      env: { PATH: process.env.PATH, ...setup.env },
      stdio: setup.takesMessages === true ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C must reach only the bench, which stops it
    });
    await once(child, 'spawn', { signal });
    guard(child);
    if (child.pid === undefined) throw new Error(`${setup.name} has no process`);
    const service = new ServiceProcess(setup, child, child.pid);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        service.log = (service.log + chunk.toString()).slice(-maxLogCharacters);
      });
    }
    try {
      await service.untilReady(signal);
    } catch (error) {
      await service.stop();
      throw error;
    }
    return service;
  }

  get name(): string {
    return this.setup.name;
  }

  get port(): number {
    return this.setup.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.setup.port}`;
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.pid);
  }

  get peakBytes(): number {
    return peakBytesOf(this.pid);
  }

  resetPeak(): void {
    resetPeak(this.pid);
  }

  /** How it ended unexpectedly, with the end of its log; undefined while it runs. */
  get unexpectedExit(): string | undefined {
    const { exitCode, signalCode } = this.child;
    return exitCode === null && signalCode === null ? undefined : `ended with ${exitCode ?? signalCode}\n${this.log}`;
  }

  /** Sends a message and resolves with the next reply. @throws Error if the process ends first */
  async ask(message: string): Promise<unknown> {
    const over = new AbortController();
    const ended = once(this.child, 'exit', { signal: over.signal }).then(() => {
      throw new Error(`${this.name} ${this.unexpectedExit ?? ''}`);
    });
    try {
      const response = once(this.child, 'message', { signal: over.signal });
      this.child.send(message);
      const [value] = (await Promise.race([response, ended])) as [unknown]; // the arguments of the event
      return value;
    } finally {
      over.abort();
    }
  }

  /** Kills it: nothing of its state is needed. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  private async untilReady(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + startDeadlineMs;
    while (performance.now() < deadline && this.child.exitCode === null) {
      signal.throwIfAborted();
      try {
        const response = await fetch(this.url + this.setup.readyPath, { signal: AbortSignal.timeout(1_000) });
        await response.text();
        if (response.status === 200) return;
      } catch {
        // Not listening yet.
      }
      await sleep(25);
    }
    throw new Error(`${this.name} did not start:\n${this.log}`);
  }
}

/** The peak memory of a service; undefined if its process has ended, even before its exit event. */
export function peakOf(service: ServiceProcess): number | undefined {
  try {
    return service.peakBytes;
  } catch {
    return undefined; // /proc has no entry for an ended process
  }
}
