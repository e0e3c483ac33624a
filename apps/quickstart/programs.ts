import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { tailOf } from './log.tail';

/** How long a program may take to stop before it is killed. */
const STOP_MS = 10_000;

/** The gateway and the worker, as child processes. They end when this process ends, even by `kill -9`. */
export class Programs {
  private readonly running = new Set<ChildProcess>();
  private stopping = false;
  private fail: (error: unknown) => void = () => undefined;

  /** Rejects when a program ends before {@link stop}, with the end of its log. */
  readonly failed = new Promise<never>((_resolve, reject) => {
    this.fail = reject;
  });

  /** @param logs the folder of `gateway.log` and `worker.log` */
  constructor(private readonly logs: string) {}

  /** Runs a program as `npm run gateway` or `npm run worker` does. */
  start(name: 'gateway' | 'worker', env: NodeJS.ProcessEnv): void {
    if (this.stopping) return;
    const log = join(this.logs, `${name}.log`);
    const output = openSync(log, 'w', 0o600);
    const child = fork(join(__dirname, '..', name, 'main.js'), {
      ...{ cwd: '/', env, execArgv: ['--require', join(__dirname, 'parent.watch.js')] },
      stdio: ['ignore', output, output, 'ipc'],
      // Ctrl-C signals the process group of the terminal. A second signal would end a program at once.
      detached: true,
    });
    closeSync(output);
    this.running.add(child);
    child.once('exit', (code, signal) => {
      this.running.delete(child);
      if (!this.stopping) this.fail(new Error(`${name} ended: ${signal ?? `exit code ${code ?? ''}`}${tailOf(log)}`));
    });
  }

  /** Resolves when all have ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    const exits = Array.from(this.running, (child) => once(child, 'exit'));
    for (const child of this.running) {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
    }
    await Promise.all(exits);
  }
}
