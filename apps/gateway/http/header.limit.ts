import type { FastifyInstance } from 'fastify';
import { ProblemException } from '#libs/problems';

/** What Node takes for the request line and all headers together, in bytes; past it, it refuses on its own. */
export const MOST_HEADER_BYTES = 16_384;
/** Far more than balancers and tracing add. Node would drop those past its own limit in silence, an Idempotency-Key with them. */
const MOST_HEADERS = 100;

/** Refuses a request with more headers than anyone needs. Call it after authentication. */
export function registerHeaderLimit(fastify: FastifyInstance): void {
  fastify.server.maxHeadersCount = 0;
  fastify.addHook('onRequest', ({ raw }, _reply, done) => {
    done(raw.rawHeaders.length / 2 > MOST_HEADERS ? tooMany() : undefined);
  });
}

function tooMany(): ProblemException {
  const message = `A request must not have more than ${MOST_HEADERS} headers.`;
  return new ProblemException('invalid_request', message, {
    errors: [{ field: '.header', code: 'max_headers', message }],
  });
}
