import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Admission } from '#libs/limits';
import { isObject, isObjectType } from '#libs/properties';
import { MAX_ITEMS, type Plan, type RecordsMetrics } from '#libs/records';
import { RequestPermits } from './request.permits';

/** The members of bodies that list what is to be done. */
const LISTS = ['items', 'ids', 'objects'] as const;

/** The routes that change records. */
const OPERATIONS: Readonly<Partial<Record<string, Plan['operation']>>> = {
  'POST /v2/prism/:team/:object/batch/update': 'update',
  'POST /v2/prism/:team/:object/batch/delete': 'delete',
  'POST /v2/prism/:team/:object': 'create',
  'PATCH /v2/prism/:team/:object/:id': 'patch',
};

/** Gives every request the owner of its permits. Call it before other hooks, right after the observer. */
export function registerPermits(fastify: FastifyInstance, admission: Admission, metrics: RecordsMetrics): void {
  fastify.decorateRequest('permits');
  fastify.addHook('onRequest', (request, reply, done) => {
    request.permits = new RequestPermits(admission, request, reply, () => {
      countDropped(request, metrics);
    });
    done();
  });
}

/**
 * Lets the body of a request be read, and then its work begin, when there is room for it. Call it when nothing else can be
 * wrong with the headers of the request, and before bodies are read.
 */
export function registerAdmission(fastify: FastifyInstance, admission: Admission): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (request.principal !== undefined) admission.receive(request.principal.clientId);
    done();
  });

  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    request.permits.acquireBody();
    done();
  });

  // Hooks, not an interceptor of Nest: what is refused here has claimed no Idempotency-Key, and an interceptor costs more.
  fastify.addHook('preHandler', (request, _reply, done) => {
    request.permits.acquireWork(itemsOf(request.body), done);
  });

  // The work ends with the handler, which goes on after the client has disconnected and after the deadline's response.
  fastify.addHook('onRoute', (route) => {
    const { handler } = route;
    route.handler = function (request, reply) {
      return request.permits.run(() => handler.call(this, request, reply));
    };
  });

  fastify.addHook('onSend', (request, _reply, payload, done) => {
    request.permits.respond(bytesOf(payload));
    // Refused before its client was known.
    if (request.principal === undefined) admission.cpu.countRequest(`address ${request.ip}`);
    done(null, payload);
  });
}

/** Counts the items of a request whose client disconnected before its work began: none of them was begun. */
function countDropped(request: FastifyRequest, metrics: RecordsMetrics): void {
  const { method, routeOptions, principal, notes } = request;
  const operation = OPERATIONS[`${method} ${routeOptions.url ?? ''}`];
  if (operation === undefined || principal === undefined) return;
  const { object } = request.params as { object: string }; // each of these routes has it
  if (!isObjectType(object)) return;
  const items = itemsOf(request.body);
  metrics.countItems(principal.clientName, operation, object, 'canceled', 'not_attempted', items);
  notes.countItems('canceled', items);
}

/** How many items a request asks for; 1 where there is no list of them. */
function itemsOf(body: unknown): number {
  if (!isObject(body)) return 1;
  const list = LISTS.map((name) => body[name]).find(Array.isArray);
  return Math.min(MAX_ITEMS, Math.max(1, list?.length ?? 1));
}

function bytesOf(payload: unknown): number {
  if (typeof payload === 'string') return Buffer.byteLength(payload);
  return payload instanceof Uint8Array ? payload.byteLength : 0;
}
