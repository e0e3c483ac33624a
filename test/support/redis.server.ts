import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { guard } from './child.guard';

/** Below it are the ports of well-known services, from the other on those of outgoing connections (Linux). */
const firstPort = 12_000;
const firstEphemeralPort = 32_768;

/** A Redis of a test's own, to be stopped, hung and lost. */
export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** Hangs: connections stay open, nothing is answered. */
  pause(): void;
  resume(): void;
  /** As if the machine had died: `kill -9`. Also a hanging one. */
  kill(): Promise<void>;
}

/** Starts a `redis-server` that keeps nothing on disk; resolves when it answers. */
export async function startRedis(options: { port?: number; arguments?: string[] } = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort());
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...(options.arguments ?? [])],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
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

/**
 * A port that nothing listens on right now. Not one of those that outgoing connections get by themselves: they would take
 * it while its server is down, and even connect to themselves on it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, firstEphemeralPort);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // somebody has it
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
