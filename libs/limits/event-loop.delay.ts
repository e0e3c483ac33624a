const SAMPLE_MS = 50;
/** The time constant of the average: one pause hardly counts, a second of pauses does. */
const WINDOW_MS = 1_000;

/**
 * The delay of timers of the event loop, as a moving average in milliseconds. It depends only on the clock, so it decreases
 * without further calls when the load decreases.
 */
export class EventLoopDelay {
  private averageMs = 0;
  private sampledAt = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param now a monotonic clock in milliseconds
   * @param onSample called at each sample with the delay of its timer in milliseconds
   */
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly onSample: (ms: number) => void = () => undefined,
  ) {}

  /** The current delay, even while the timer that measures it is late itself. 0 at the first call. */
  get ms(): number {
    if (this.timer === undefined) this.start();
    return this.average(this.now());
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Starts at the first use, because blocking during startup delays no client. */
  private start(): void {
    this.sampledAt = this.now();
    this.timer = setInterval(() => {
      this.sample();
    }, SAMPLE_MS);
    this.timer.unref();
  }

  private sample(): void {
    const now = this.now();
    this.averageMs = this.average(now);
    this.onSample(now - this.sampledAt - SAMPLE_MS);
    this.sampledAt = now;
  }

  /** Weighted by time: a longer delay counts more. */
  private average(now: number): number {
    const passedMs = now - this.sampledAt;
    const kept = Math.exp(-passedMs / WINDOW_MS);
    return kept * this.averageMs + (1 - kept) * Math.max(0, passedMs - SAMPLE_MS);
  }
}
