const SAMPLE_MS = 50;
/** For how long a delay is remembered, about: one pause is forgiven, a second of them is not. */
const MEMORY_MS = 1_000;

/**
 * How late the event loop runs its timers, in milliseconds, smoothed. It is measured by the clock alone, so it falls again
 * by itself when there is less to do.
 */
export class EventLoopDelay {
  private smoothedMs = 0;
  private sampledAt = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param now a monotonic clock in milliseconds
   * @param onLate called at each sample with how late its timer ran, in milliseconds
   */
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly onLate: (ms: number) => void = () => undefined,
  ) {}

  /** As it is now: also while the timer that would measure it is late itself. 0 at first, for what came before is over. */
  get ms(): number {
    if (this.timer === undefined) this.start();
    return this.smoothed(this.now());
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Not before it is asked for: that a program blocks while it starts delays nobody. */
  private start(): void {
    this.sampledAt = this.now();
    this.timer = setInterval(() => {
      this.sample();
    }, SAMPLE_MS);
    this.timer.unref();
  }

  private sample(): void {
    const now = this.now();
    this.smoothedMs = this.smoothed(now);
    this.onLate(now - this.sampledAt - SAMPLE_MS);
    this.sampledAt = now;
  }

  /** A delay weighs as much as the time it lasted. */
  private smoothed(now: number): number {
    const passedMs = now - this.sampledAt;
    const kept = Math.exp(-passedMs / MEMORY_MS);
    return kept * this.smoothedMs + (1 - kept) * Math.max(0, passedMs - SAMPLE_MS);
  }
}
