/**
 * Lets whoever asked for something take it back. An `AbortSignal` for one listener at a time: every write has one, and
 * making it must cost next to nothing.
 */
export class Cancellation {
  private wish = false;
  private listener: (() => void) | undefined;

  get requested(): boolean {
    return this.wish;
  }

  /** There is no way back. A second time does nothing. */
  request(): void {
    if (this.wish) return;
    this.wish = true;
    this.listener?.();
  }

  /** Has the listener called if it is requested from now on; undefined: nobody listens any more. */
  listen(listener: (() => void) | undefined): void {
    this.listener = listener;
  }
}
