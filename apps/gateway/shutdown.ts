import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections } from './http/connections';
import type { Lifecycle } from './http/lifecycle';

interface ShutdownPlan {
  lifecycle: Lifecycle;
  connections: Pick<Connections, 'stopListening' | 'end'>;
  /** How long requests are still served after readiness has started to fail. */
  drainDelayMs: number;
  /** How long requests on open connections are served after that. */
  drainGraceMs: number;
  /** The longest time budget of a request: by then, each has a response. */
  requestTimeoutMs: number;
  /** Closes what requests need, such as the database pools. */
  close: () => Promise<void>;
}

/** Time for a response that left at its deadline to reach a slow client. */
const LAST_BYTES_MS = 1_000;

/**
 * Stops the service without losing a request. Readiness fails at once, and requests are still served for `drainDelayMs`. Then
 * new connections are refused. Requests on open connections are served for `drainGraceMs` more, and each response closes its
 * connection, so that the client continues elsewhere. Those in progress then get their response within their deadline.
 * Resolves when all is closed.
 */
export async function shutDown(plan: ShutdownPlan): Promise<void> {
  plan.lifecycle.drain();
  await sleep(plan.drainDelayMs);
  await plan.connections.stopListening();
  plan.lifecycle.close();
  await plan.connections.end(plan.drainGraceMs, plan.requestTimeoutMs + LAST_BYTES_MS);
  await plan.close();
}
