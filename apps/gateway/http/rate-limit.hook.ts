import { Logger } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { Scope } from '#libs/auth';
import {
  availableIn,
  type RateLimitDecision,
  Quota,
  RATE_UNITS,
  type RateLimiter,
  type Rates,
  type RateUnit,
  retryAfterSeconds,
  wholeSeconds,
} from '#libs/limits';
import type { RequestContext } from './request.context';

/** The scopes of writes. These are charged when they are known to be valid and not replays. */
const CHARGED_BY_WRITER: ReadonlySet<Scope | undefined> = new Set<Scope>(['records:write', 'schema:write']);

/** Statuses of requests that are rejected for their body: they cost one request although nothing was executed. */
const INVALID: ReadonlySet<number> = new Set([400, 413, 415]);

/** The `qu` parameter by unit. `requests` is the default of the draft, and `items` is not in its registry. */
const QUOTA_UNITS: Readonly<Record<RateUnit, string>> = {
  items: ';qu="items"',
  requests: '',
  bytes: ';qu="content-bytes"',
};

/**
 * Applies the rate limits of clients: charges reads before their handler runs, and the body of every response; renders the
 * `RateLimit` fields. Call it after admission, so that a queued request is charged only when its work begins.
 */
export function registerRateLimits(fastify: FastifyInstance, limiter: RateLimiter): void {
  const logger = new Logger('RateLimits');
  const logFailure = (error: unknown): void => {
    logger.error({ message: 'a request could not be charged to the rate limits of its client', error });
  };

  fastify.addHook('preHandler', (request, _reply, done) => {
    const { requestContext: context, routeOptions } = request;
    // A handler that responds 404 through Fastify makes its preHandler hooks run again.
    const isRepeated = context.quota !== undefined;
    context.quota ??= quotaOf(limiter, context);
    if (isRepeated || context.quota === undefined || CHARGED_BY_WRITER.has(routeOptions.config.scope)) done();
    else {
      context.quota.consume().then(() => {
        done();
      }, done);
    }
  });

  // The response does not wait for its charge. Redis executes the charges of a process in order, so the client's next request
  // is charged after it.
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const { quota, responseBytes } = request.requestContext;
    if (quota?.isCharged) {
      const bytes = request.method === 'HEAD' ? 0 : responseBytes;
      quota.chargeResponse(bytes).catch(logFailure);
    } else if (INVALID.has(reply.statusCode) && !reply.hasHeader('idempotent-replay')) {
      // A body that cannot be parsed is rejected before the quota is created.
      (quota ?? quotaOf(limiter, request.requestContext))?.chargeInvalid().catch(logFailure);
    }
    if (quota) reply.headers(rateLimitFields(quota.rates, quota.lastDecision));
    done(null, payload);
  });
}

/**
 * `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11: all limits of the client, and the state of the
 * buckets that were consulted. Empty if none was.
 */
export function rateLimitFields(rates: Rates, { buckets, rejectedBy }: RateLimitDecision): Record<string, string> {
  if (buckets.length === 0) return {};
  // No reset of a rejected request may be later than `Retry-After`.
  const maxReset = rejectedBy ? retryAfterSeconds(rejectedBy.waitUs) : Infinity;
  const states = buckets.map((state) => {
    const reset = Math.min(wholeSeconds(state.levelUs), maxReset);
    return `"${state.charge.unit}";r=${availableIn(state)};t=${reset}`;
  });
  return { 'ratelimit-policy': policies(rates).join(', '), ratelimit: states.join(', ') };
}

function policies(rates: Rates): string[] {
  return RATE_UNITS.flatMap((unit) => {
    const rate = rates[unit];
    if (rate === undefined) return [];
    // The window in which an empty quota refills. `q / w` is the rate, for every burst.
    const window = Math.max(1, Math.ceil(rate.burst / rate.perSecond));
    return `"${unit}";q=${rate.perSecond * window}${QUOTA_UNITS[unit]};w=${window}`;
  });
}

function quotaOf(limiter: RateLimiter, { principal, bodyBytes, log }: RequestContext): Quota | undefined {
  const rates = principal && limiter.effectiveRates(principal.limits);
  return rates && new Quota(limiter, { client: principal, rates, bodyBytes, span: log.span });
}
