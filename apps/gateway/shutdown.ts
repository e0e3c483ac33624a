import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections } from './http/connections';
import type { Lifecycle } from './http/lifecycle';

export interface ShutdownPlan {
  lifecycle: Lifecycle;
  connections: Pick<Connections, 'end'>;
  /** How long requests are served after readiness began to fail. */
  drainDelayMs: number;
  /** How long a request may take: by then, each has been answered. */
  requestTimeoutMs: number;
  /** Closes what requests need: nothing is asked for any more. */
  close: () => Promise<void>;
}

/** For an answer that left at its deadline to reach a slow reader. */
const LAST_BYTES_MS = 1_000;

/**
 * Ends the service without losing a request: readiness fails at once, requests are still served for `drainDelayMs`, then
 * no new ones; those under way are answered within their deadline. Resolves when all is closed.
 */
export async function shutDown(plan: ShutdownPlan): Promise<void> {
  plan.lifecycle.drain();
  await sleep(plan.drainDelayMs);
  await plan.connections.end(plan.requestTimeoutMs + LAST_BYTES_MS);
  await plan.close();
}
