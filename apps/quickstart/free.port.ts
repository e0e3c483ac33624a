import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/**
 * @param wanted 0 for any free port
 * @returns the port if a server can listen on it; undefined if it is in use or not permitted
 */
export async function freePort(host = '127.0.0.1', wanted = 0): Promise<number | undefined> {
  const server = createServer();
  try {
    await once(server.listen(wanted, host), 'listening');
  } catch {
    return undefined;
  }
  const { port } = server.address() as AddressInfo; // Only a pipe has an address of another type.
  await once(server.close(), 'close');
  return port;
}
