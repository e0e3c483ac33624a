import type { CpuUsage } from '#libs/limits';

/**
 * Runs expensive sections one at a time, with a turn of the event loop in between, so that responses, timers and health checks
 * are served. Clients take turns, and while others are active a client rests after an expensive section.
 */
export class ParseMutex {
  /** Sections by client, in the order of their turns. */
  private readonly lines = new Map<string, (() => void)[]>();
  private scheduled = false;

  constructor(private readonly cpu: Pick<CpuUsage, 'restMs'>) {}

  /** @param section synchronous; called in its turn. It must not throw */
  enqueue(clientId: string, section: () => void): void {
    const line = this.lines.get(clientId);
    if (line === undefined) this.lines.set(clientId, [section]);
    else line.push(section);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.lines.size === 0) return;
    this.scheduled = true;
    const waitMs = Math.min(...[...this.lines.keys()].map((clientId) => this.cpu.restMs(clientId)));
    const next = (): void => {
      this.scheduled = false;
      this.runNext();
      this.schedule();
    };
    // Short waits only, so that a client that comes meanwhile does not wait for the rest of another.
    if (waitMs > 0) setTimeout(next, Math.min(waitMs, 5));
    else setImmediate(next);
  }

  private runNext(): void {
    for (const [clientId, line] of this.lines) {
      if (this.cpu.restMs(clientId) > 0) continue;
      const section = line.shift();
      // Its next turn comes after everyone else's.
      this.lines.delete(clientId);
      if (line.length > 0) this.lines.set(clientId, line);
      section?.();
      return;
    }
  }
}
