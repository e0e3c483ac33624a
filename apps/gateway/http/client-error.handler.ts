import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { RequestError, errorResponse } from '#libs/errors';
import type { Connections } from './connections';
import { requestIdOf } from './request-head';
import { SECURITY_HEADERS } from './security.headers';

/** How long a client has to read the response and to close the connection, in milliseconds. */
const CLOSE_MS = 1_000;

export const HEADERS_TOO_LARGE = new RequestError(
  'invalid_request',
  'The request line and headers are larger than 16 KiB. Send fewer or shorter headers.',
  { status: 431 },
);
export const REQUEST_TIMEOUT = new RequestError(
  'invalid_request',
  'The request did not arrive in time. Send it again.',
  { status: 408 },
);
const INVALID_HTTP = new RequestError('invalid_request', 'The request is not valid HTTP/1.1.');

/** The response to an error code of Node's parser. */
function parserError(code: string | undefined): RequestError {
  if (code === 'HPE_HEADER_OVERFLOW') return HEADERS_TOO_LARGE;
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? REQUEST_TIMEOUT : INVALID_HTTP;
}

/**
 * Responds to what Node's parser rejects: invalid or ambiguous HTTP, headers that are too large, a request that does not arrive
 * in time. None of it reaches the router. The connection is closed, since the start of the next request is unknown.
 */
export function respondToClientError(error: Error & { code?: string }, socket: Socket, connections: Connections): void {
  // The client has sent nothing yet: it could mistake a response for the one to its first request.
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const pending = connections.pending(socket);
  const last = pending.at(-1);
  if (last !== undefined && pending.some((response) => response.req.complete || response.headersSent)) {
    // Earlier requests are in progress: the client could mistake a response for the one to such a request.
    last.once('close', () => {
      socket.end();
      closeSoon(socket);
    });
    return;
  }
  const rejection = parserError(error.code);
  socket.end(rawResponse(rejection));
  // The rest is read and dropped: closing now would reset the connection before the client has read the response.
  socket.resume();
  closeSoon(socket);
  connections.onRejected(rejection.status);
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
