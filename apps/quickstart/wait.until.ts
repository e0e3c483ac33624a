import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

/**
 * Polls until `check` answers true. `check` may throw to give up at once, as when the awaited program has ended.
 *
 * @returns false if `timeoutMs` ran out first.
 */
export async function waitUntil(check: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!(await check())) {
    if (performance.now() > end) return false;
    await sleep(POLL_MS);
  }
  return true;
}
