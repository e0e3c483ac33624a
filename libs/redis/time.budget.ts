/** How a promise ended within its time. */
type Settled<T> = { state: 'fulfilled'; value: T } | { state: 'rejected'; reason: unknown } | { state: 'timeout' };

/**
 * Waits for a promise `ms` milliseconds at most; never rejects. What the promise does later is ignored.
 *
 * The timer alone decides nothing: after it, one more turn of the event loop reads what the sockets hold. Otherwise a
 * process that was busy for longer than `ms` would take an answer that is already there for a silent peer.
 */
export function settleWithin<T>(promise: Promise<T>, ms: number): Promise<Settled<T>> {
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
