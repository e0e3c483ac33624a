import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** @returns `wanted`, or any free port if it is 0. Rejects with a system error if no server can listen on it. */
export async function availablePort(host = '127.0.0.1', wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // Only a pipe has an address of another type.
  await once(server.close(), 'close');
  return port;
}
