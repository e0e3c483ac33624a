import type { CpuStage } from './limits.metrics';
import type { CpuUsage } from './cpu.usage';

/** How long the steps of one computation run before the turn of another one, in milliseconds. */
const SECTION_MS = 4;
/** The maximum pause, in milliseconds, so that a new client does not wait until the pause of another one ends. */
const MAX_PAUSE_MS = 5;

/** A part of a computation that takes a few milliseconds at most. @returns whether there is more to do */
export type Step = () => boolean;

interface Computation {
  readonly stage: CpuStage;
  readonly step: Step;
  readonly done: (error?: Error) => void;
}

/**
 * Runs long computations in sections of {@link SECTION_MS}, one at a time. Between them the event loop serves responses, timers
 * and health checks. Clients take turns, and while others are active, a client pauses after each section.
 */
export class CpuScheduler {
  /** Computations by client, in the order of their turns. */
  private readonly queues = new Map<string, Computation[]>();
  private scheduled = false;

  /** @param now a monotonic clock in milliseconds */
  constructor(
    private readonly cpu: Pick<CpuUsage, 'pauseMs' | 'measure'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param done called once, when the last step has returned or a step has thrown */
  run(clientId: string, stage: CpuStage, step: Step, done: (error?: Error) => void): void {
    const queue = this.queues.get(clientId);
    const computation = { stage, step, done };
    if (queue === undefined) this.queues.set(clientId, [computation]);
    else queue.push(computation);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.queues.size === 0) return;
    this.scheduled = true;
    const waitMs = Math.min(...[...this.queues.keys()].map((clientId) => this.cpu.pauseMs(clientId)));
    const next = (): void => {
      this.scheduled = false;
      this.runNext();
      this.schedule();
    };
    if (waitMs > 0) setTimeout(next, Math.min(waitMs, MAX_PAUSE_MS));
    else setImmediate(next);
  }

  private runNext(): void {
    for (const [clientId, queue] of this.queues) {
      const [computation] = queue;
      if (computation === undefined || this.cpu.pauseMs(clientId) > 0) continue;
      const isDone = this.runSection(clientId, computation);
      if (isDone) queue.shift();
      // The client's next turn comes after those of all other clients.
      this.queues.delete(clientId);
      if (queue.length > 0) this.queues.set(clientId, queue);
      return;
    }
  }

  /** @returns whether the computation has ended */
  private runSection(clientId: string, { stage, step, done }: Computation): boolean {
    try {
      const hasMore = this.cpu.measure(clientId, stage, () => {
        const until = this.now() + SECTION_MS;
        while (step()) if (this.now() >= until) return true;
        return false;
      });
      if (hasMore) return false;
    } catch (error) {
      done(error instanceof Error ? error : new Error('the computation failed', { cause: error }));
      return true;
    }
    done();
    return true;
  }
}
