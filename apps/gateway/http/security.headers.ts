import type { FastifyInstance } from 'fastify';

/** A year, in seconds. No subdomains: what else is served beside the gateway is not its to say. */
const HSTS = 'max-age=31536000';

/**
 * What every answer tells a browser that was led here: run nothing of it, show it in no frame, take it for no other type
 * than it says, give it to no other site, tell nobody its address, keep no copy. A route that is meant for browsers, or
 * may be kept, says otherwise itself.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Puts them on every answer, and on those that go over TLS that it stays so. Call it before hooks that may answer. */
export function registerSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(SECURITY_HEADERS);
    // TLS ends at the balancer: only one that is trusted can tell of it.
    if (request.protocol === 'https') void reply.header('strict-transport-security', HSTS);
    done();
  });
}
