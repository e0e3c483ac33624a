import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from './child.guard';

/** The built worker as a process. */
export class WorkerProcess {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    }
  }

  /** Resolves when its admin port listens: then its loops begin. */
  static async start(databaseUrl: string, settings: Record<string, string> = {}): Promise<WorkerProcess> {
    const child = spawn(process.execPath, ['dist/apps/worker/main.js'], {
      env: { METRICS_HOST: '127.0.0.1', METRICS_PORT: '0', DATABASE_URL: databaseUrl, ...settings },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    guard(child);
    const worker = new WorkerProcess(child);
    while (!worker.output.includes('metrics_port')) {
      if (child.exitCode !== null) throw new Error(`the worker ended:\n${worker.output}`);
      await sleep(5);
    }
    return worker;
  }

  /** Its log so far: a line of JSON for each event. */
  get log(): Record<string, unknown>[] {
    const lines = this.output.split('\n').filter((line) => line.startsWith('{'));
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>); // written by the logger
  }

  /** GET from the admin port. */
  async get(path: string): Promise<Response> {
    const port = this.log.find(({ metrics_port }) => metrics_port !== undefined)?.metrics_port;
    return fetch(`http://127.0.0.1:${String(port)}${path}`);
  }

  /** @returns the exit code, or the name of the signal that ended it */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | string> {
    const exit = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await exit;
    }
    return this.child.exitCode ?? this.child.signalCode ?? '';
  }
}
