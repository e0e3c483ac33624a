import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

const TIMEOUT_MS = 1_000;

/** @returns `wanted`, or any free port if it is 0. Rejects with a system error if no server can listen on it. */
export async function availablePort(host = '127.0.0.1', wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // Only a pipe has an address of another type.
  await once(server.close(), 'close');
  return port;
}

/** @returns the URL of a Redis on this machine that needs no password; undefined if none responds at the port */
export async function findRedis(port = 6379): Promise<string | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    socket.write('PING\r\n');
    const [reply] = (await once(socket, 'data', { signal: AbortSignal.timeout(TIMEOUT_MS) })) as [Buffer];
    return reply.toString() === '+PONG\r\n' ? `redis://127.0.0.1:${port}` : undefined;
  } catch {
    return undefined; // Nothing listens, or it does not respond: the gateway is correct without Redis.
  } finally {
    socket.destroy();
  }
}
