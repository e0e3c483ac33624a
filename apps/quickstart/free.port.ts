import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/**
 * @param wanted 0 for any.
 * @returns the port if it can be listened on, undefined if it is taken or not permitted.
 */
export async function tryPort(host: string, wanted: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(wanted, host);
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  // Only a pipe has an address that is no AddressInfo.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A free port of the loopback interface. */
export async function freePort(): Promise<number> {
  const port = await tryPort('127.0.0.1', 0);
  if (port === undefined) throw new Error('no free port on 127.0.0.1');
  return port;
}
