import type { FastifyInstance } from 'fastify';

/** A year, in seconds. Without `includeSubDomains`, because other services may share the domain. */
const HSTS = 'max-age=31536000';

/**
 * Headers of every response, for browsers that open it: no scripts, no frames, no content sniffing, no use by other sites, no
 * referrer, no caching. A route for browsers, or one that may be cached, overrides them.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

/** Sets them on every response, and `Strict-Transport-Security` on those over TLS. Call it before hooks that may respond. */
export function registerSecurityHeaders(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers(SECURITY_HEADERS);
    // TLS ends at the load balancer: the protocol is known from a trusted proxy only.
    if (request.protocol === 'https') void reply.header('strict-transport-security', HSTS);
    done();
  });
}
