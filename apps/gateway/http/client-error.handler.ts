import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { RequestError, errorResponse } from '#libs/errors';
import type { Connections } from './connections';
import { requestIdOf } from './request-id';
import { SECURITY_HEADERS } from './security.headers';

/** How long a client may take to read the response and to close the connection, in milliseconds. */
const CLOSE_MS = 1_000;

function refusalOf(code: string | undefined): RequestError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW': {
      const message = 'The request line and headers are larger than 16 KiB. Send fewer or shorter headers.';
      return new RequestError('invalid_request', message, { status: 431 });
    }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new RequestError('invalid_request', 'The request did not arrive in time. Send it again.', {
        status: 408,
      });
    default:
      return new RequestError('invalid_request', 'The request is not valid HTTP/1.1.');
  }
}

/**
 * Responds to what Node's parser refuses: broken or ambiguous HTTP, too large headers, a request that does not arrive in time.
 * None of it reaches the router. The connection ends, since where the next request would begin is unknown.
 */
export function respondToClientError(error: Error & { code?: string }, socket: Socket, connections: Connections): void {
  // Nothing was asked on a connection that never sent a byte: a response could be taken for one to a request just leaving.
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const pending = connections.pending(socket);
  const last = pending.at(-1);
  if (last !== undefined && pending.some((response) => response.req.complete || response.headersSent)) {
    // What is broken came after requests that are worked on: a response to it could be taken for one to them.
    last.once('close', () => {
      socket.end();
      closeSoon(socket);
    });
    return;
  }
  const refusal = refusalOf(error.code);
  socket.end(rawResponse(refusal));
  // What is still on its way is read and dropped: to close now would discard the response before the client has it.
  socket.resume();
  closeSoon(socket);
  connections.refused(refusal.status);
}

function closeSoon(socket: Socket): void {
  const timer = setTimeout(() => {
    socket.destroy();
  }, CLOSE_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}

function rawResponse(error: RequestError): string {
  const { status, headers, body } = errorResponse(error, requestIdOf({ headers: {} }));
  const lines = Object.entries({
    ...SECURITY_HEADERS,
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    date: new Date().toUTCString(),
  }).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, '', body].join('\r\n');
}
