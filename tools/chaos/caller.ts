import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { readResponse } from './results.reader';
import type { Attempt, RequestHistory } from './history';
import type { CallerConnections } from './http.attempt';
import type { Random } from '../../test/support/random';
import type { RoundPlan } from './round.plan';
import { nextRequest, type PlannedRequest } from './workload';
import type { SharedRecords } from './shared.records';

export interface CallerSetup {
  name: string;
  clientId: string;
  apiKey: string;
  /** The base URLs of both gateways. */
  urls: readonly [string, string];
  records: SharedRecords;
  random: Random;
  connections: CallerConnections;
  plan: Pick<RoundPlan, 'pauseMs' | 'sentTwice' | 'conditional' | 'upserts'>;
  /** Every request is appended before it is sent. */
  histories: RequestHistory[];
}

/** Longer than the deadline of every request. */
const maxWaitMs = 4_000;
/** Range of the delay before an intentional disconnect: usually in the middle of a batch. */
const disconnectMs = [1, 12] as const;
const maxBackoffMs = 400;

/**
 * A caller that retries correctly: it sends the same request with the same key until it knows the outcome of every item. It
 * alternates between the gateways, and at random sends to both at once, uses a short timeout, or disconnects.
 */
export class Caller {
  private requestCount = 0;
  private readonly disconnects: Random;
  private readonly sent: { planned: PlannedRequest; history: RequestHistory }[] = [];

  constructor(private readonly setup: CallerSetup) {
    this.disconnects = setup.random.fork('disconnects');
  }

  /** Sends requests until the first signal, and retries the last one until it is settled or the second signal. */
  async run(newRequests: AbortSignal, retries: AbortSignal): Promise<void> {
    const { random, plan } = this.setup;
    while (!newRequests.aborted) {
      await this.sendNext(retries);
      await sleep(random.integer(0, 2 * plan.pauseMs));
    }
  }

  /** Sends a share of the settled requests again, each until it is settled once more. */
  async resend(share: number, retries: AbortSignal): Promise<void> {
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

  private async sendNext(retries: AbortSignal): Promise<void> {
    const { random, records, histories, name, clientId, plan } = this.setup;
    const planned = nextRequest(random, records, plan);
    const { operation, onError, items } = planned;
    this.requestCount += 1;
    const key = `${name}-${this.requestCount}`;
    const keyHash = createHash('sha256').update(key).digest('hex');
    const history: RequestHistory = {
      ...{ key, keyHash, clientId, operation, onError, items },
      attempts: [],
      canceled: false,
    };
    histories.push(history);
    this.sent.push({ planned, history });
    const first: (0 | 1 | undefined)[] = random.chance(plan.sentTwice) ? [0, 1] : [undefined];
    await Promise.all(first.map((gateway) => this.attempt(planned, history, gateway)));
    // Like a caller that crashes: this request is never retried.
    history.canceled = !this.isSettled(history) && random.chance(0.04);
    for (let round = 0; !history.canceled && !this.isSettled(history) && !retries.aborted; round++) {
      await sleep(random.integer(1, Math.min(maxBackoffMs, 20 * 2 ** round)));
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
    const waitMs = random.chance(0.08) ? random.integer(5, 300) : this.waitLimitMs();
    const invokedAt = performance.now();
    const outcome = await connections.send(planned, { url: urls[gateway], maxWaitMs: waitMs, headers });
    const attempt: Attempt = { gateway, invokedAt, endedAt: performance.now(), outcome };
    history.attempts.push(attempt);
    this.rememberVersions(history, attempt);
  }

  private waitLimitMs(): number {
    return this.disconnects.chance(0.05) ? this.disconnects.integer(...disconnectMs) : maxWaitMs;
  }

  /** Whether an attempt, from the given index on, had a final response. */
  private isSettled(history: RequestHistory, from = 0): boolean {
    return history.attempts.slice(from).some(({ outcome }) => {
      if (typeof outcome === 'string') return false;
      const { kind } = readResponse(history, outcome);
      return kind === 'settled' || kind === 'unexpected';
    });
  }

  private rememberVersions(history: RequestHistory, { outcome }: Attempt): void {
    if (typeof outcome === 'string') return;
    const parsed = readResponse(history, outcome);
    if (parsed.kind !== 'settled' && parsed.kind !== 'partial') return;
    for (const [index, { id, version, etag }] of parsed.items.entries()) {
      if (history.items[index]?.type === 'upsert') continue; // only upserts change its record
      if (id !== null && version !== undefined && etag !== undefined) {
        this.setup.records.rememberVersion(id, { version, etag });
      }
    }
  }
}
