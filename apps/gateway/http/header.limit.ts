import type { FastifyInstance } from 'fastify';
import { RequestError } from '#libs/errors';

/** What Node takes for the request line and all headers together, in bytes; past it, it refuses on its own. */
export const MAX_HEADER_BYTES = 16_384;
/** Far more than balancers and tracing add. Node would drop those past its own limit in silence, an Idempotency-Key with them. */
const MAX_HEADERS = 100;

/** Refuses a request with more headers than anyone needs. Call it after authentication. */
export function registerHeaderLimit(fastify: FastifyInstance): void {
  fastify.server.maxHeadersCount = 0;
  fastify.addHook('onRequest', ({ raw }, _reply, done) => {
    done(raw.rawHeaders.length / 2 > MAX_HEADERS ? tooMany() : undefined);
  });
}

function tooMany(): RequestError {
  const message = `A request must not have more than ${MAX_HEADERS} headers.`;
  return new RequestError('invalid_request', message, {
    errors: [{ field: '.header', code: 'max_headers', message }],
  });
}
