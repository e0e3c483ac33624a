import type { FastifyRequest } from 'fastify';
import { isObjectType } from '#libs/properties';
import type { MetricOperation, Metrics } from '#libs/telemetry';

/** What the routes that change records do. */
const OPERATIONS: Readonly<Partial<Record<string, MetricOperation>>> = {
  'POST /v2/prism/:team/:object/batch/update': 'update',
  'POST /v2/prism/:team/:object/batch/delete': 'delete',
  'POST /v2/prism/:team/:object': 'create',
  'PATCH /v2/prism/:team/:object/:id': 'patch',
};

/** Counts the items of a request whose caller hung up before its work began: as if it had, and had begun none of them. */
export function countAbandoned(request: FastifyRequest, items: number, metrics: Metrics): void {
  const { method, routeOptions, principal, notes } = request;
  const operation = OPERATIONS[`${method} ${routeOptions.url ?? ''}`];
  if (operation === undefined || principal === undefined) return;
  const { object } = request.params as { object: string }; // each of them has it
  if (!isObjectType(object)) return;
  metrics.countItems(principal.clientName, operation, object, 'abandoned', 'not_attempted', items);
  notes.countItems('abandoned', items);
}
