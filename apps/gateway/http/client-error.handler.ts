import type { Socket } from 'node:net';
import { ProblemException, problemAnswer } from '#libs/problems';
import type { Connections } from './connections';
import { requestIdOf } from './request-id';
import { SECURITY_HEADERS } from './security.headers';

/** How long a caller may take to read the answer and to hang up, in milliseconds. */
const HANG_UP_MS = 1_000;

const MESSAGES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'The request line and headers are larger than 16 KiB.',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request did not arrive in time.',
};

/**
 * Answers what Node's parser refuses: broken or ambiguous HTTP, too many headers, a request that does not arrive in time.
 * None of it reaches the router. The connection ends, since where the next request would begin is unknown.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket, connections: Connections): void {
  // Nothing was asked on a connection that never sent a byte: an answer could be taken for one to a request just leaving.
  if (!socket.writable || error.code === 'ECONNRESET' || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const pending = connections.pending(socket);
  if (pending.some((response) => response.req.complete || response.headersSent)) {
    endAfter(pending, socket);
    return;
  }
  const message = MESSAGES[error.code ?? ''] ?? 'The request is not valid HTTP/1.1.';
  socket.end(rawAnswer(new ProblemException('invalid_request', message)));
  // What is still on its way is read and dropped: to close now would discard the answer before the caller has it.
  socket.resume();
  hangUp(socket);
  connections.refused();
}

/** What is broken came after requests that are being answered: an answer to it could be taken for one to them. */
function endAfter(pending: ReturnType<Connections['pending']>, socket: Socket): void {
  pending.at(-1)?.once('close', () => {
    socket.end();
    hangUp(socket);
  });
}

function hangUp(socket: Socket): void {
  const timer = setTimeout(() => {
    socket.destroy();
  }, HANG_UP_MS);
  socket.once('close', () => {
    clearTimeout(timer);
  });
}

function rawAnswer(problem: ProblemException): string {
  const { status, headers, body } = problemAnswer(problem, requestIdOf({ headers: {} }));
  const lines = Object.entries({
    ...SECURITY_HEADERS,
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
    date: new Date().toUTCString(),
  }).map(([name, value]) => `${name}: ${value}`);
  return [`HTTP/1.1 ${status} Bad Request`, ...lines, '', body].join('\r\n');
}
