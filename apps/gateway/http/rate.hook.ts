import type { FastifyInstance } from 'fastify';
import { Quota, type RateLimiter } from '#libs/limits';

declare module 'fastify' {
  interface FastifyRequest {
    /** What its client's limits leave to it; undefined if nothing limits the client. */
    quota: Quota | undefined;
  }
}

/** A call that writes is charged for by what it is going to do: RecordWriter knows it. */
const CHARGED_LATER = 'records:write';
const READ = { requests: 1, items: 0 };

/**
 * Holds requests against the limits of their clients. A read is charged for at once; a call that writes, when it is known
 * to be new and valid, for a replay costs nothing. Call it after admission: what has its turn is about to be done.
 */
export function registerRates(fastify: FastifyInstance, limiter: RateLimiter): void {
  fastify.decorateRequest('quota');
  fastify.addHook('preHandler', (request, reply, done) => {
    const { principal } = request;
    const rates = principal && limiter.ratesOf(principal.limits);
    if (principal === undefined || rates === undefined) {
      done();
      return;
    }
    const tell = (fields: Record<string, string>): void => void reply.headers(fields);
    request.quota = new Quota(limiter, principal, rates, tell, request.notes.span);
    if (request.routeOptions.config.scope === CHARGED_LATER) done();
    else {
      request.quota.charge(READ).then(() => {
        done();
      }, done);
    }
  });
}
