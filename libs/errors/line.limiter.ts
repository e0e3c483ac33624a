/** Between two lines about the same thing. */
const INTERVAL_MS = 10_000;

/**
 * Keeps a fault that every request meets from filling the log: the first line of a kind is written, those that follow are
 * counted, and every ten seconds one line says how many there were.
 */
export class LineLimiter {
  private readonly repeated = new Map<string, number>();

  /** @param summarize writes the line that stands for so many */
  constructor(private readonly summarize: (kind: string, repeated: number, intervalMs: number) => void) {}

  /** Whether the line is to be written now. @param kind of a closed set, for each is remembered for a while */
  admits(kind: string): boolean {
    const repeated = this.repeated.get(kind);
    if (repeated !== undefined) {
      this.repeated.set(kind, repeated + 1);
      return false;
    }
    this.watch(kind);
    return true;
  }

  private watch(kind: string): void {
    this.repeated.set(kind, 0);
    const timer = setTimeout(() => {
      const repeated = this.repeated.get(kind) ?? 0;
      this.repeated.delete(kind);
      if (repeated === 0) return;
      this.summarize(kind, repeated, INTERVAL_MS);
      this.watch(kind);
    }, INTERVAL_MS);
    timer.unref();
  }
}
