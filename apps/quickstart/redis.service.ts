import { once } from 'node:events';
import { connect } from 'node:net';

import { freePort } from './free.port';
import { QuickstartError } from './quickstart.error';
import type { ServerProcesses } from './server.processes';
import { newPassword, type Service } from './service';
import { outputOf } from './service.user';
import { waitUntil } from './wait.until';

const READY_MS = 10_000;

/**
 * Runs a Redis on the loopback interface, with a password, that writes nothing to disk: Redis is only the fast path.
 *
 * @returns undefined if this system has no `redis-server`; the gateway is correct without Redis
 * @throws QuickstartError if it does not start
 */
export async function startRedis(servers: ServerProcesses, env: NodeJS.ProcessEnv): Promise<Service | undefined> {
  const version = /v=([\d.]+)/.exec(outputOf('redis-server', ['--version'], undefined) ?? '')?.[1];
  const port = await freePort();
  if (version === undefined || port === undefined) return undefined;
  const password = newPassword();
  const settings = [`port ${port}`, 'bind 127.0.0.1', `requirepass ${password}`, 'save ""', 'appendonly no'];
  servers.start({
    name: 'redis',
    command: 'redis-server',
    args: ['-'],
    env: { PATH: env.PATH },
    stopSignal: 'SIGTERM',
    stdin: `${settings.join('\n')}\n`,
  });
  if (!(await waitUntil(() => accepts(port), READY_MS))) {
    throw new QuickstartError(`redis is not ready after ${READY_MS / 1000} s`, servers.logFile('redis'));
  }
  return { origin: 'system', version, url: `redis://:${password}@127.0.0.1:${port}` };
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
