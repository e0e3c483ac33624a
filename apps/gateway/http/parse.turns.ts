import { setImmediate as nextRound } from 'node:timers/promises';

/**
 * Lets whatever blocks the event loop for long happen one at a time, with a round of the loop between two: answers, timers
 * and health checks come in between.
 */
export class ParseTurns {
  private last: Promise<unknown> = Promise.resolve();

  /** Resolves when it is the caller's turn. */
  next(): Promise<unknown> {
    this.last = this.last.then(() => nextRound());
    return this.last;
  }
}
