import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long a program may take to stop before it is killed. */
const STOP_MS = 10_000;

/** The gateway and the worker, as child processes. They end when this process ends, even by `kill -9`. */
export class Programs {
  private readonly running = new Set<ChildProcess>();

  /** @param logs the folder of `gateway.log` and `worker.log` */
  constructor(private readonly logs: string) {}

  /** Runs a program as `npm run gateway` or `npm run worker` does. Rejects when it ends, with the end of its log. */
  async run(name: 'gateway' | 'worker', env: NodeJS.ProcessEnv): Promise<never> {
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
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    this.running.delete(child);
    throw new Error(`${name} ended: ${signal ?? `exit code ${code ?? ''}`}${tailOf(log)}`);
  }

  /** Resolves when all have ended. */
  async stop(): Promise<void> {
    const ends = Array.from(this.running, (child) => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), STOP_MS).unref();
      return once(child, 'exit');
    });
    await Promise.all(ends);
  }
}

/** The last lines of the log of a process that failed, indented for an error message; empty if there is no log. */
export function tailOf(log: string): string {
  if (!existsSync(log)) return '';
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12);
  return `\nthe end of ${log}:\n${lines.map((line) => `  ${line.slice(0, 400)}`).join('\n')}`;
}
