import type { ServerResponse } from 'node:http';
import { Cancellation } from '#libs/database';

/**
 * A cancellation that is requested when the connection is closed before the response has left. A client that ends only its
 * own side has disconnected too: Node closes the other side, so no response can reach it.
 */
export function canceledByDisconnect(response: ServerResponse): Cancellation {
  const cancellation = new Cancellation();
  const check = (): void => {
    if (!response.writableFinished) cancellation.request();
  };
  if (response.req.socket.destroyed) check();
  else response.once('close', check);
  return cancellation;
}
