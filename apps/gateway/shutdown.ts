import { setTimeout as sleep } from 'node:timers/promises';
import type { Connections } from './http/connections';
import type { Lifecycle } from './http/lifecycle';

export interface ShutdownPlan {
  lifecycle: Lifecycle;
  connections: Pick<Connections, 'closeIdle' | 'closeAll'>;
  /** How long requests are served after readiness began to fail. */
  drainDelayMs: number;
  /** How long the requests under way may take: by then, each has been answered. */
  requestTimeoutMs: number;
  /** Stops listening, waits for the connections to end, and closes everything behind. */
  close: () => Promise<void>;
}

/** For an answer that left at its deadline to reach a slow reader. */
const LAST_BYTES_MS = 1_000;

/**
 * Ends the service without losing a request: readiness fails at once, requests are still served for `drainDelayMs`, then
 * no new ones; those under way are answered within their deadline. Resolves when all is closed.
 */
export async function shutDown(plan: ShutdownPlan): Promise<void> {
  const { lifecycle, connections } = plan;
  lifecycle.drain();
  await sleep(plan.drainDelayMs);
  lifecycle.close();
  const closed = plan.close();
  connections.closeIdle();
  // Whoever does not read what was answered to them does not keep the process.
  const cutOff = setTimeout(() => {
    connections.closeAll();
  }, plan.requestTimeoutMs + LAST_BYTES_MS);
  try {
    await closed;
  } finally {
    clearTimeout(cutOff);
  }
}
