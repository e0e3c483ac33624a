/**
 * Cancels work on request: an `AbortSignal` with one listener at a time. Every write has one, so it must cost next to nothing.
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

  /** A cancellation that this one requests as well. It takes the place of the listener. */
  child(): Cancellation {
    const child = new Cancellation();
    if (this.isRequested) child.request();
    this.listener = (): void => {
      child.request();
    };
    return child;
  }

  /** Sets the listener that is called when it is requested from now on; undefined removes it. */
  listen(listener: (() => void) | undefined): void {
    this.listener = listener;
  }
}
