/**
 * Cancels work on request: like an `AbortSignal`, but with one listener at a time. Every write creates one, so it must be cheap.
 */
export class Cancellation {
  private isRequested = false;
  private listener: (() => void) | undefined;

  get requested(): boolean {
    return this.isRequested;
  }

  /** Cannot be undone. Further calls have no effect. */
  request(): void {
    if (this.isRequested) return;
    this.isRequested = true;
    this.listener?.();
  }

  /** Creates a cancellation that is requested when this one is. It replaces the listener. */
  child(): Cancellation {
    const child = new Cancellation();
    if (this.isRequested) child.request();
    this.listener = (): void => {
      child.request();
    };
    return child;
  }

  /** Sets the listener, which is called if cancellation is requested from now on. Undefined removes the listener. */
  listen(listener: (() => void) | undefined): void {
    this.listener = listener;
  }
}
