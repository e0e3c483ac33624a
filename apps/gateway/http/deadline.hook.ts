import type { FastifyInstance, FastifyRequest } from 'fastify';
import { invalidField, RequestError, sendError } from '#libs/errors';
import { Deadline } from '#libs/limits';
import { isPositiveInteger } from './positive.integer';

const HEADER = 'x-request-timeout-ms';
/** Set by the official SDKs, in seconds. Python sends the first, Go and TypeScript the second, Java both. */
const SDK_HEADERS = ['x-stainless-read-timeout', 'x-stainless-timeout'];
const DECIMAL = /^\d+(\.\d+)?$/;

/** The deadline of a request: the shortest of the client's budgets and the gateway's. */
export function deadlineOf(headers: FastifyRequest['headers'], requestTimeoutMs: number): Deadline {
  return Deadline.in(Math.min(requestTimeoutMs, requestedMs(headers) ?? Infinity, sdkMs(headers)));
}

/**
 * Responds to every request shortly before its deadline if nothing else has: 503 when a handler hangs, 408 when the body does
 * not arrive. Call it before hooks that may wait.
 */
export function registerDeadline(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const timer = setTimeout(() => {
      if (request.requestContext.responding) return;
      sendError(reply, deadlineError(request), request.id);
    }, request.requestContext.deadline.msLeft('render'));
    // Emitted once per request, even when the client disconnects first.
    reply.raw.once('close', () => {
      clearTimeout(timer);
    });
    done();
  });
}

/** Rejects an invalid budget. Call it after authentication, so that an invalid key is reported first. */
export function registerDeadlineCheck(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', ({ headers }, _reply, done) => {
    done(headers[HEADER] === undefined || requestedMs(headers) !== undefined ? undefined : invalidBudget());
  });
}

/** The budget that the client requested; undefined if it requested none, or an invalid one. */
function requestedMs(headers: FastifyRequest['headers']): number | undefined {
  const header = headers[HEADER];
  return typeof header === 'string' && isPositiveInteger(header) ? Number(header) : undefined;
}

/**
 * The timeout of the client's SDK; `Infinity` without one. Invalid values are ignored, because the SDK writes them and not the
 * client. So is 0, which SDKs send for a timeout below 1 s that they round.
 */
function sdkMs(headers: FastifyRequest['headers']): number {
  let budgetMs = Infinity;
  for (const name of SDK_HEADERS) {
    const header = headers[name];
    if (typeof header !== 'string' || !DECIMAL.test(header)) continue;
    const ms = Number(header) * 1_000;
    if (ms > 0) budgetMs = Math.min(budgetMs, ms);
  }
  return budgetMs;
}

function deadlineError({ method, requestContext: { deadline, permits } }: FastifyRequest): RequestError {
  const budgetMs = Math.round(deadline.budgetMs);
  if (permits.receiving) {
    const message = `The request did not arrive in full within the ${budgetMs} ms that it had. Send it again, or allow more time.`;
    return new RequestError('invalid_request', message, { status: 408 });
  }
  const message = `The response was not ready within the ${budgetMs} ms that the request had.`;
  if (method === 'GET' || method === 'HEAD') return new RequestError('unavailable', message);
  const advice = 'It may have been applied: send it again with its Idempotency-Key, or read the records first.';
  return new RequestError('unavailable', `${message} ${advice}`);
}

function invalidBudget(): RequestError {
  const message = `${HEADER} must be a positive whole number of milliseconds`;
  return invalidField(`.header.${HEADER}`, 'positive_integer', message);
}
