import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { guard } from './child.guard';
import { freePort } from './free.port';

/** A Redis of one test, which can be suspended and killed. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Suspends the process: connections stay open without responses. */
  pause(): void;
  resume(): void;
  /** `kill -9`, even while suspended. */
  kill(): Promise<void>;
}

/** No persistence, and no file of the data that a replica receives. */
const WITHOUT_FILES = ['--save', '', '--appendonly', 'no', '--repl-diskless-load', 'swapdb'];

/**
 * Starts a `redis-server` without persistence; resolves when it is ready.
 *
 * @param options.arguments further ones. `{port}` is its port
 */
export async function startRedis(options: { port?: number; arguments?: string[] } = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const own = (options.arguments ?? []).map((argument) => argument.replaceAll('{port}', String(port)));
  const child = spawn('redis-server', [...['--port', String(port), '--bind', '127.0.0.1'], ...WITHOUT_FILES, ...own], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  guard(child);
  await ready(child);
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.once('error', reject);
    child.once('exit', () => {
      reject(new Error(`redis-server did not start:\n${output}`));
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Ready to accept connections')) resolve();
    });
  });
}
