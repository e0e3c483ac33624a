/** The time between two summaries of one kind of line. */
const INTERVAL_MS = 10_000;

/**
 * Rate limit of log lines. The first line of a kind is written. Those that follow are counted, and a summary with their number
 * is written every ten seconds until none occurs.
 */
export class LogLimiter {
  private readonly repeated = new Map<string, number>();

  /** @param summarize writes the summary of `repeated` lines of a kind */
  constructor(private readonly summarize: (kind: string, repeated: number, intervalMs: number) => void) {}

  /**
   * Counts a line, and returns whether to write it.
   *
   * @param kind of a closed set: each kind takes memory while it repeats
   */
  admits(kind: string): boolean {
    const repeated = this.repeated.get(kind);
    if (repeated !== undefined) {
      this.repeated.set(kind, repeated + 1);
      return false;
    }
    this.startInterval(kind);
    return true;
  }

  private startInterval(kind: string): void {
    this.repeated.set(kind, 0);
    const timer = setTimeout(() => {
      const repeated = this.repeated.get(kind) ?? 0;
      this.repeated.delete(kind);
      if (repeated === 0) return;
      this.summarize(kind, repeated, INTERVAL_MS);
      this.startInterval(kind);
    }, INTERVAL_MS);
    timer.unref();
  }
}
