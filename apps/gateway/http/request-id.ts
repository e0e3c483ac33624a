import type { IncomingMessage } from 'node:http';
import { v7 as uuid } from 'uuid';

const KEPT = /^[A-Za-z0-9._:-]{1,128}$/;

/** The id under which a request is answered and logged: the caller's own if it can stand in a header and a log line, else a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  // Node joins a header that is sent twice with a comma, which is not kept.
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && KEPT.test(given) ? given : uuid();
}
