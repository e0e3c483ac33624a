import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { LedgerKey } from '#libs/idempotency';
import { type Engine, newKey, renames, retryOf } from './engine';

/** A team whose batches run one after another. Each batch is sent with its key until all its items are applied. */
export class Writer {
  readonly teamId = randomUUID();
  ids: string[] = [];
  batches = 0;
  attempts = 0;
  private isDone = false;
  private running: Promise<void> | undefined;
  /** What ended the batches, if it was not the test. */
  private failure: Error | undefined;

  constructor(private readonly engine: Engine) {}

  start(): void {
    this.running = this.run().catch((error: unknown) => {
      this.failure = error as Error; // an assertion of attempt
    });
  }

  async stop(): Promise<void> {
    this.isDone = true;
    await this.running;
    if (this.failure) throw this.failure;
  }

  /** Resolves when this many further batches are complete. */
  async progress(batches: number): Promise<void> {
    const target = this.batches + batches;
    while (this.batches < target) {
      if (this.failure !== undefined) throw this.failure;
      await sleep(5);
    }
  }

  private async run(): Promise<void> {
    while (!this.isDone) {
      const key = newKey();
      while (!(await this.attempt(key))) await sleep(20);
      this.batches += 1;
    }
  }

  /** @returns whether the batch is complete */
  private async attempt(key: LedgerKey): Promise<boolean> {
    this.attempts += 1;
    const plan = renames(this.teamId, this.ids);
    try {
      const { outcomes } = await this.engine.apply(plan, this.attempts === 1 ? key : retryOf(key));
      const codes = new Set(outcomes.map(({ code }) => code));
      // Any other error is final: it would be stored, and the item lost.
      for (const code of codes)
        expect([undefined, 'unavailable', 'locked', 'not_attempted', 'internal']).toContain(code);
      return codes.size === 1 && codes.has(undefined);
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(unavailable|idempotency_key_in_use)$/) });
      return false;
    }
  }
}
