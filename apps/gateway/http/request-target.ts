import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { RequestError } from '#libs/errors';

const ABSOLUTE_FORM = /^https?:\/\/[^/?#]+/i;

/**
 * The request target as the router gets it: always a path that it can decode. What it could not is taken literally, so
 * that such a request passes authentication like any other and is refused by `registerTargetCheck`, not by the router.
 */
export function routableTarget(request: Pick<IncomingMessage, 'url'>): string {
  const target = request.url ?? '/';
  const path = isAbsolute(target) ? target.replace(ABSOLUTE_FORM, '') : target;
  if (path.startsWith('/')) return isDecodable(path) ? path : path.replaceAll('%', '%25');
  return path.startsWith('?') || path === '' ? `/${path}` : '/';
}

/** Refuses a target that is no path, or whose percent-encoding is broken, or that names no one host. Call it after authentication. */
export function registerTargetCheck(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!isWellFormed(request.originalUrl)) done(badTarget());
    else done(namesOneHost(request.raw) ? undefined : noHost());
  });
}

/** RFC 9112, 3.2: of two, the balancer may have gone by the one and we by the other. */
function namesOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion !== '1.1');
}

function isWellFormed(target: string): boolean {
  return (target.startsWith('/') || isAbsolute(target)) && isDecodable(target);
}

function isAbsolute(target: string): boolean {
  return ABSOLUTE_FORM.test(target) && URL.canParse(target);
}

function isDecodable(target: string): boolean {
  if (!target.includes('%')) return true;
  try {
    // The query is left aside: there, a percent sign that starts no escape stands for itself.
    decodeURIComponent(target.split('?', 1)[0] ?? '');
    return true;
  } catch {
    return false;
  }
}

function badTarget(): RequestError {
  const message = 'The path must begin with / and its percent-encoding must be valid UTF-8.';
  return new RequestError('invalid_request', message, { errors: [{ field: '.path', code: 'url', message }] });
}

function noHost(): RequestError {
  const message = 'An HTTP/1.1 request must have one host header.';
  return new RequestError('invalid_request', message, {
    errors: [{ field: '.header.host', code: 'required', message }],
  });
}
