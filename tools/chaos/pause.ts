import { setTimeout as sleep } from 'node:timers/promises';

/** Waits so many milliseconds, or until the signal: whoever is waited for then goes on to mend what it broke. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: stop });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
