import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a time, or until the signal. An abort does not reject, so that the caller can still repair its fault. */
export async function pause(ms: number, stop: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: stop });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
