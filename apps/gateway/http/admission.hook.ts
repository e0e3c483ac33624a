import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Admission } from '#libs/limits';
import { isObject } from '#libs/json';
import { isObjectType } from '#libs/properties';
import { MAX_ITEMS, type RecordsMetrics } from '#libs/records';
import { teamOfPrismPath } from './authentication.hook';

/** The members of request bodies that hold a list of items. */
const LISTS = ['items', 'ids', 'objects'] as const;

/**
 * Acquires the permits to read the body of a request and to run its handler. Call it after all checks of headers, and before
 * bodies are read.
 */
export function registerAdmission(fastify: FastifyInstance, admission: Admission): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { principal } = request.requestContext;
    if (principal !== undefined) admission.rejectIfOverloaded(principal.clientId);
    done();
  });

  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    request.requestContext.permits.acquireBody();
    done();
  });

  // A hook, because it runs before the Idempotency-Key is claimed, and costs less than an interceptor of Nest.
  fastify.addHook('preHandler', (request, _reply, done) => {
    request.requestContext.permits.acquireWork(itemsOf(request.body, MAX_ITEMS), done);
  });

  // The permit is held until the handler ends, even after the client has disconnected and after the response at the deadline.
  fastify.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      return request.requestContext.permits.runHandler(() => handler.call(this, request, reply));
    };
  });

  fastify.addHook('onSend', (request, _reply, payload, done) => {
    const { permits, principal, responseBytes } = request.requestContext;
    permits.holdResponse(responseBytes);
    // Rejected before it was authenticated. Health probes and documents do not make others wait.
    const isRejected = principal === undefined && teamOfPrismPath(request.originalUrl) !== undefined;
    if (isRejected) admission.cpu.countRequest(`address ${request.ip}`);
    done(null, payload);
  });
}

/** Counts the items of a request whose client disconnected before its handler began: none of them was attempted. */
export function countDroppedItems(request: FastifyRequest, metrics: RecordsMetrics): void {
  const { principal, log } = request.requestContext;
  const { operation, maxItems = MAX_ITEMS } = request.routeOptions.config;
  if (operation === undefined || principal === undefined) return;
  const { object } = request.params as { object: string }; // each route with an operation has it
  if (!isObjectType(object)) return;
  const items = itemsOf(request.body, maxItems);
  metrics.countItems(principal.clientName, operation, object, 'canceled', 'not_attempted', items);
  log.setBatch({ items: { canceled: items }, failed: [] });
}

/** The number of items in a request; 1 if it has no list of items, and `max` if it has more than are allowed. */
function itemsOf(body: unknown, max: number): number {
  if (!isObject(body)) return 1;
  const list = LISTS.map((name) => body[name]).find(Array.isArray);
  return Math.min(max, Math.max(1, list?.length ?? 1));
}
