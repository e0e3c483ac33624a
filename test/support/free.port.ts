import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports between those of well-known services and those of outgoing connections (Linux). */
const firstPort = 12_000;
const firstEphemeralPort = 32_768;

/**
 * A free port outside of the range of outgoing connections, which could otherwise occupy it while its server is down, or even
 * connect to themselves.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, firstEphemeralPort);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // in use
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
