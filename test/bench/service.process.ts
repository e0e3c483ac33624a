import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from '../support/child.guard';
import { rootFolder } from './files';
import { cpuSecondsOf, forgetPeak, peakBytesOf } from './process.usage';

const startDeadlineMs = 60_000;
const keptLogCharacters = 10_000;

export interface ServiceSetup {
  name: string;
  command: string;
  args: readonly string[];
  env: Record<string, string>;
  port: number;
  /** Answers 200 as soon as the service can be used. */
  readyPath: string;
}

/** A program that serves HTTP, and what it uses of the machine. */
export class ServiceProcess {
  private log = '';

  private constructor(
    private readonly setup: ServiceSetup,
    private readonly child: ChildProcess,
    readonly pid: number,
  ) {}

  /** Resolves when it answers. */
  static async start(setup: ServiceSetup, signal: AbortSignal): Promise<ServiceProcess> {
    const child = spawn(setup.command, setup.args, {
      cwd: rootFolder,
      env: { PATH: process.env.PATH, ...setup.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C is for the bench, which ends it
    });
    await once(child, 'spawn', { signal });
    guard(child);
    if (child.pid === undefined) throw new Error(`${setup.name} has no process`);
    const service = new ServiceProcess(setup, child, child.pid);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        service.log = (service.log + chunk.toString()).slice(-keptLogCharacters);
      });
    }
    try {
      await service.answers(signal);
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

  forgetPeak(): void {
    forgetPeak(this.pid);
  }

  /** At once: what it holds is not needed any more. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  private async answers(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + startDeadlineMs;
    while (performance.now() < deadline && this.child.exitCode === null) {
      signal.throwIfAborted();
      try {
        const answer = await fetch(this.url + this.setup.readyPath, { signal: AbortSignal.timeout(1_000) });
        await answer.text();
        if (answer.status === 200) return;
      } catch {
        // Not listening yet.
      }
      await sleep(25);
    }
    throw new Error(`${this.name} did not start:\n${this.log}`);
  }
}
