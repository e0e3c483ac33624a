import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';

import { type DataFolder } from './data.folder';
import { freePort } from './free.port';
import { type Supervisor } from './keeper.client';
import { type ProgramSpec } from './keeper.protocol';
import { newPassword } from './secret.store';
import { type Service } from './service';
import { outputOf } from './unprivileged.user';
import { waitUntil } from './wait.until';

const READY_MS = 10_000;
const PROBE_MS = 500;

const STOP: ProgramSpec['stop'] = [
  { signal: 'SIGTERM', waitMs: 3_000 },
  { signal: 'SIGKILL', waitMs: 1_000 },
];

/**
 * Runs a Redis of our own, on the loopback interface, with a password, keeping nothing on disk: it is only the fast path.
 *
 * @returns undefined if this system has no `redis-server`; the gateway is correct without one.
 * @throws QuickstartError if there is one and it does not start.
 */
export async function startPrivateRedis(
  folder: DataFolder,
  supervisor: Supervisor,
  env: NodeJS.ProcessEnv,
): Promise<Service | undefined> {
  const found = findRedis(env);
  if (!found) return undefined;
  const port = await freePort();
  const password = newPassword();
  const settings = [`port ${port}`, 'bind 127.0.0.1', `requirepass ${password}`, 'save ""', 'appendonly no'];
  supervisor.spawn({
    name: 'redis',
    command: found.program,
    args: ['-'],
    stdin: `${settings.join('\n')}\n`,
    cwd: '/',
    env: { PATH: env.PATH },
    logFile: folder.file('redis.log'),
    stop: STOP,
  });
  const ready = await waitUntil(() => {
    supervisor.assertRunning('redis');
    return responses(port, password);
  }, READY_MS);
  if (!ready) return undefined;
  return {
    origin: 'system',
    url: `redis://:${password}@127.0.0.1:${port}`,
    version: found.version,
    address: `127.0.0.1:${port}`,
  };
}

function findRedis(env: NodeJS.ProcessEnv): { program: string; version: string } | undefined {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'];
  for (const folder of folders.filter((path) => path.startsWith('/'))) {
    const program = join(folder, 'redis-server');
    const response = existsSync(program) ? outputOf(program, ['--version'], undefined) : undefined;
    const version = /v=([\d.]+)/.exec(response ?? '')?.[1];
    if (version !== undefined) return { program, version };
  }
  return undefined;
}

async function responses(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: PROBE_MS });
    let heard = '';
    const settle = () => {
      socket.destroy();
      resolve(heard === '+OK\r\n+PONG\r\n');
    };
    socket.on('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.length >= '+OK\r\n+PONG\r\n'.length) settle();
    });
    socket.on('timeout', settle);
    socket.on('error', settle);
    socket.on('close', settle);
  });
}
