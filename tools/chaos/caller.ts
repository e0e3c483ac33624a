import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readResponse } from './response.reader';
import type { Attempt, RequestHistory } from './history';
import type { CallerConnections } from './http.attempt';
import type { Random } from '../../test/support/random';
import { nextRequest, type PlannedRequest } from './workload';
import type { SharedRecords } from './shared.records';

export interface CallerSetup {
  name: string;
  clientId: string;
  apiKey: string;
  /** Of both gateways. */
  urls: readonly [string, string];
  records: SharedRecords;
  random: Random;
  connections: CallerConnections;
  /** Milliseconds on average between two requests. */
  pauseMs: number;
  /** Where every request is written down before it is sent. */
  histories: RequestHistory[];
}

/** Past the deadline of every request. */
const maxWaitMs = 4_000;
/** How soon one hangs up that does so on purpose: mostly in the middle of a batch. */
const disconnectMs = [1, 12] as const;
const longestBackoffMs = 400;

/**
 * A careful caller: on any doubt it sends the same request with the same key again, until it knows what became of every
 * item. It takes turns between the gateways, now and then asks both at once, loses patience early, or hangs up at once.
 */
export class Caller {
  private made = 0;
  private readonly disconnects: Random;
  private readonly sent: { planned: PlannedRequest; history: RequestHistory }[] = [];

  constructor(private readonly setup: CallerSetup) {
    this.disconnects = setup.random.fork('hang-ups');
  }

  /** Sends requests until the first signal, then sees the last one through until the second. */
  async run(newRequests: AbortSignal, retries: AbortSignal): Promise<void> {
    const { random, pauseMs } = this.setup;
    while (!newRequests.aborted) {
      await this.once(retries);
      await sleep(random.integer(0, 2 * pauseMs));
    }
  }

  /** Asks again for some of the requests whose outcome it knows: each must be answered as it was. */
  async askAgain(share: number, retries: AbortSignal): Promise<void> {
    const { random } = this.setup;
    for (const { planned, history } of this.sent) {
      if (history.canceled || !random.chance(share)) continue;
      const known = history.attempts.length;
      while (!retries.aborted && !this.isSettled(history, known)) {
        await this.attempt(planned, history);
        await sleep(random.integer(0, 2));
      }
    }
  }

  private async once(retries: AbortSignal): Promise<void> {
    const { random, records, histories, name, clientId } = this.setup;
    const planned = nextRequest(random, records);
    const { operation, onError, items } = planned;
    this.made += 1;
    const key = `${name}-${this.made}`;
    const keyHash = createHash('sha256').update(key).digest('hex');
    const history: RequestHistory = {
      ...{ key, keyHash, clientId, operation, onError, items },
      attempts: [],
      canceled: false,
    };
    histories.push(history);
    this.sent.push({ planned, history });
    if (random.chance(0.1)) await Promise.all([this.attempt(planned, history, 0), this.attempt(planned, history, 1)]);
    else await this.attempt(planned, history);
    // Callers die too: nobody ever asks what became of this one.
    history.canceled = !this.isSettled(history) && random.chance(0.04);
    for (let round = 0; !history.canceled && !this.isSettled(history) && !retries.aborted; round++) {
      await sleep(random.integer(1, Math.min(longestBackoffMs, 20 * 2 ** round)));
      await this.attempt(planned, history);
    }
    if (random.chance(0.05) && !history.canceled) await this.attempt(planned, history);
  }

  private async attempt(planned: PlannedRequest, history: RequestHistory, at?: 0 | 1): Promise<void> {
    const { random, urls, apiKey, connections } = this.setup;
    const previous = history.attempts.at(-1)?.gateway ?? random.integer(0, 1);
    const gateway = at ?? (previous === 0 ? 1 : 0);
    const headers: Record<string, string> = { 'x-api-key': apiKey, 'idempotency-key': history.key };
    if (random.chance(0.1)) headers['x-request-timeout-ms'] = String(random.integer(50, 800));
    const lockRetry = random.chance(0.08) ? random.integer(5, 300) : this.lockRetry();
    const invokedAt = performance.now();
    const outcome = await connections.send(planned, { url: urls[gateway], maxWaitMs: lockRetry, headers });
    const attempt: Attempt = { gateway, invokedAt, endedAt: performance.now(), outcome };
    history.attempts.push(attempt);
    this.learn(history, attempt);
  }

  private lockRetry(): number {
    return this.disconnects.chance(0.05) ? this.disconnects.integer(...disconnectMs) : maxWaitMs;
  }

  /** Whether an attempt from the given one on told all there is to know. */
  private isSettled(history: RequestHistory, from = 0): boolean {
    return history.attempts.slice(from).some(({ outcome }) => {
      if (typeof outcome === 'string') return false;
      const { kind } = readResponse(history, outcome);
      return kind === 'settled' || kind === 'unexpected';
    });
  }

  private learn(history: RequestHistory, { outcome }: Attempt): void {
    if (typeof outcome === 'string') return;
    const reading = readResponse(history, outcome);
    if (reading.kind !== 'settled' && reading.kind !== 'partial') return;
    for (const { id, version } of reading.items) {
      if (id !== null && version !== undefined) this.setup.records.heard(id, version);
    }
  }
}
