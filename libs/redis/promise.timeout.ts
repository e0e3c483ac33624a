/** How a promise settled, or `timeout` if it did not in time. */
type SettledWithin<T> =
  { state: 'fulfilled'; value: T } | { state: 'rejected'; reason: unknown } | { state: 'timeout' };

/**
 * Waits for a promise, for at most `ms` milliseconds. Never rejects; a later result is ignored.
 *
 * After the timer fires, one more iteration of the event loop reads the sockets. Without it, a process that was blocked for longer
 * than `ms` would time out although the response has arrived.
 */
export function settleWithin<T>(promise: Promise<T>, ms: number): Promise<SettledWithin<T>> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      setImmediate(() => {
        resolve({ state: 'timeout' });
      });
    }, ms);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve({ state: 'fulfilled', value });
      },
      (reason: unknown) => {
        clearTimeout(timer);
        resolve({ state: 'rejected', reason });
      },
    );
  });
}
