import { once } from 'node:events';
import { connect } from 'node:net';

const TIMEOUT_MS = 1_000;

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
