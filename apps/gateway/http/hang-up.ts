import type { ServerResponse } from 'node:http';
import { Cancellation } from '#libs/database';

/**
 * A cancellation that is requested when the connection ends before the answer has left. As Node has it, a caller that ends
 * its own side alone has hung up too: it gets no answer.
 */
export function canceledByHangUp(response: ServerResponse): Cancellation {
  const cancellation = new Cancellation();
  const check = (): void => {
    if (!response.writableFinished) cancellation.request();
  };
  if (response.req.socket.destroyed) check();
  else response.once('close', check);
  return cancellation;
}
