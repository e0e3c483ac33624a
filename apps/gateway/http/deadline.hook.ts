import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { RequestError, sendError } from '#libs/errors';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the answer must have left, in milliseconds on the clock of `performance.now()`. */
    deadline: number;
  }
}

const HEADER = 'x-request-timeout-ms';
const POSITIVE_INTEGER = /^0*[1-9]\d*$/;
/** Seconds, as the official SDKs say them by themselves: Python's the one, Go's and TypeScript's the other, Java's both. */
const SDK_HEADERS = ['x-stainless-read-timeout', 'x-stainless-timeout'];
const DECIMAL = /^\d+(\.\d+)?$/;
/** How long before the deadline the last-resort answer leaves: the shorter of the two. */
const MARGIN_MS = 100;
const MARGIN_SHARE = 0.1;

/**
 * Gives every request its deadline and responds shortly before it if nothing else has: 503 when a handler hangs, 408 when the
 * body never ends. Call it before hooks that may wait.
 */
export function registerDeadline(fastify: FastifyInstance, requestTimeoutMs: number): void {
  fastify.decorateRequest('deadline', 0);
  fastify.addHook('onRequest', (request, reply, done) => {
    const budgetMs = Math.min(requestTimeoutMs, askedMs(request) ?? Infinity, sdkMs(request));
    request.deadline = performance.now() + budgetMs;
    respondBeforeDeadline(request, reply, budgetMs);
    done();
  });
}

/** Refuses a budget that is none. Call it after authentication, which comes before anything else that is wrong. */
export function registerDeadlineCheck(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    done(request.headers[HEADER] === undefined || askedMs(request) !== undefined ? undefined : badBudget());
  });
}

/** The milliseconds left until the answer must have left; 0 if there are none. */
export function remaining(request: Pick<FastifyRequest, 'deadline'>): number {
  return Math.max(0, request.deadline - performance.now());
}

/** The caller's own budget; undefined if there is none, or no valid one. */
function askedMs(request: FastifyRequest): number | undefined {
  const header = request.headers[HEADER];
  return typeof header === 'string' && POSITIVE_INTEGER.test(header) ? Number(header) : undefined;
}

/**
 * How long the caller's SDK waits; `Infinity` if it does not say. What it says badly is not held against the caller, who did
 * not write it and could not mend it. Neither is 0: the SDKs that round to whole seconds mean anything below one by it.
 */
function sdkMs({ headers }: FastifyRequest): number {
  let budgetMs = Infinity;
  for (const name of SDK_HEADERS) {
    const header = headers[name];
    if (typeof header !== 'string' || !DECIMAL.test(header)) continue;
    const ms = Number(header) * 1_000;
    if (ms > 0) budgetMs = Math.min(budgetMs, ms);
  }
  return budgetMs;
}

function respondBeforeDeadline(request: FastifyRequest, reply: FastifyReply, budgetMs: number): void {
  const waitMs = budgetMs - Math.min(MARGIN_MS, budgetMs * MARGIN_SHARE);
  const timer = setTimeout(() => {
    if (reply.sent || reply.raw.headersSent) return;
    sendError(reply, tooLate(request, Math.round(budgetMs)), request.id);
  }, waitMs);
  // Once per request, however it ends: also when the caller leaves first.
  reply.raw.once('close', () => {
    clearTimeout(timer);
  });
}

function tooLate({ method, permits }: FastifyRequest, budgetMs: number): RequestError {
  if (permits.receiving) {
    const message = `The request did not arrive in full within the ${budgetMs} ms that it had. Send it again, or allow more time.`;
    return new RequestError('invalid_request', message, { status: 408 });
  }
  const message = `The answer was not ready within the ${budgetMs} ms that the request had.`;
  if (method === 'GET' || method === 'HEAD') return new RequestError('unavailable', message);
  const advice = 'What it asked for may have been done: send it again with its Idempotency-Key, or read before.';
  return new RequestError('unavailable', `${message} ${advice}`);
}

function badBudget(): RequestError {
  const message = `${HEADER} must be a positive whole number of milliseconds.`;
  return new RequestError('invalid_request', message, {
    errors: [{ field: `.header.${HEADER}`, code: 'positive_integer', message }],
  });
}
