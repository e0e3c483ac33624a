import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { v7 as uuid } from 'uuid';
import { invalidField, type RequestError } from '#libs/errors';

/** The limit of Node for the request line and all headers together, in bytes. Node itself rejects a larger request. */
export const MAX_HEADER_BYTES = 16_384;
/** Far more than load balancers and tracing add. Node silently drops headers beyond its own limit, an Idempotency-Key too. */
const MAX_HEADERS = 100;
const VALID_REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]+/i;

/** The id of a request: that of the client if it is valid in a header and a log line, else a new UUID. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  // Node joins repeated headers with a comma, which is not valid.
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && VALID_REQUEST_ID.test(given) ? given : uuid();
}

/**
 * The request target for the router: always a path that it can decode. Invalid percent-encoding is taken literally, so that
 * such a request passes authentication first, and `registerRequestHeadCheck` rejects it.
 */
export function routableTarget(request: Pick<IncomingMessage, 'url'>): string {
  const target = request.url ?? '/';
  const path = isAbsolute(target) ? target.replace(ABSOLUTE_FORM, '') : target;
  if (path.startsWith('/')) return isDecodable(path) ? path : path.replaceAll('%', '%25');
  return path.startsWith('?') || path === '' ? `/${path}` : '/';
}

/** Rejects an invalid path, no host or several hosts, and too many headers. Call it after authentication. */
export function registerRequestHeadCheck(fastify: FastifyInstance): void {
  // Node keeps all headers, so that they can be counted.
  fastify.server.maxHeadersCount = 0;
  fastify.addHook('onRequest', ({ originalUrl, raw }, _reply, done) => {
    if (!isValidTarget(originalUrl)) done(invalidTarget());
    else if (!namesOneHost(raw)) done(invalidHost());
    else done(raw.rawHeaders.length / 2 > MAX_HEADERS ? tooManyHeaders() : undefined);
  });
}

/** RFC 9112, section 3.2. With two hosts, a load balancer could use one of them and the gateway the other. */
function namesOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion !== '1.1');
}

function isValidTarget(target: string): boolean {
  return (target.startsWith('/') || isAbsolute(target)) && isDecodable(target);
}

function isAbsolute(target: string): boolean {
  return ABSOLUTE_FORM.test(target) && URL.canParse(target);
}

function isDecodable(target: string): boolean {
  if (!target.includes('%')) return true;
  try {
    // Without the query, where a percent sign that starts no escape sequence is literal.
    decodeURIComponent(target.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}

function invalidTarget(): RequestError {
  const message = 'The path must begin with / and its percent-encoding must be valid UTF-8.';
  return invalidField('.path', 'url', message);
}

function invalidHost(): RequestError {
  const message = 'an HTTP/1.1 request must have one host header';
  return invalidField('.header.host', 'required', message);
}

function tooManyHeaders(): RequestError {
  const message = `a request must not have more than ${MAX_HEADERS} headers`;
  return invalidField('.header', 'max_headers', message);
}
