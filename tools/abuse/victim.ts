import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, errors, request } from 'undici';
import { type Latency } from '../bench/load';
import { latencyOf } from '../bench/statistics';
import type { Party } from './parties';

/** How long the victim waits for a response, in milliseconds. */
const MAX_WAIT_MS = 10_000;
const CONNECTIONS = 8;
const REQUESTS_PER_SECOND = 100;
/** Requests per API key. The gateway may not have cached the next one. */
const REQUESTS_PER_KEY = 5;

/** The responses to the victim. */
export interface Measurement {
  requests: number;
  latencyMs: Latency;
  /** How often each status other than 200 came; `none`: no response within 10 s, or the connection failed. */
  rejected: Record<string, number>;
}

/** A well-behaved client that reads, lists properties and updates in small batches. */
export class Victim {
  private readonly agent = new Agent({
    connections: CONNECTIONS,
    connectTimeout: MAX_WAIT_MS,
    headersTimeout: MAX_WAIT_MS,
    bodyTimeout: MAX_WAIT_MS,
  });

  constructor(
    private readonly url: string,
    private readonly party: Party,
  ) {}

  /** The request of this number. @returns its status, or `none` */
  async send(n: number): Promise<string> {
    const { teamId, apiKeys, recordIds } = this.party;
    const key = apiKeys[Math.floor(n / REQUESTS_PER_KEY) % apiKeys.length] ?? apiKeys[0];
    const items = recordIds.slice(0, 5).map((id) => ({ id, default: { employees: n } }));
    const path = `/v2/prism/${teamId}/organization`;
    const [id = ''] = recordIds;
    switch (n % 4) {
      case 0:
        return this.call('GET', `${path}/${id}`, key);
      case 1:
        return this.call('POST', `${path}/batch/update`, key, { items });
      case 2:
        return this.call('GET', `${path}/properties`, key);
      default:
        return this.call('POST', `${path}/batch/update`, key, { items: items.slice(0, 1) }, randomUUID());
    }
  }

  /** Sends 100 requests a second and measures each from its scheduled time, including delayed ones. */
  async measure(seconds: number, signal: AbortSignal): Promise<Measurement> {
    const startedAt = performance.now();
    const dueMs = 1_000 / REQUESTS_PER_SECOND;
    const total = seconds * REQUESTS_PER_SECOND;
    const samplesMs: number[] = [];
    const rejected: Record<string, number> = {};
    let next = 0;
    const caller = async (): Promise<void> => {
      for (let n = next++; n < total; n = next++) {
        const due = startedAt + n * dueMs;
        await sleep(Math.max(0, due - performance.now()), undefined, { signal });
        // A gateway that does not respond counts as unavailable for the remaining requests.
        const status = performance.now() - startedAt > seconds * 1_000 + MAX_WAIT_MS ? 'none' : await this.send(n);
        samplesMs.push(performance.now() - due);
        if (status !== '200') rejected[status] = (rejected[status] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, caller));
    return { requests: total, latencyMs: latencyOf(samplesMs), rejected };
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }

  private async call(
    method: 'GET' | 'POST',
    path: string,
    apiKey: string,
    content?: object,
    idempotencyKey?: string,
  ): Promise<string> {
    try {
      const { statusCode, body } = await request(this.url + path, {
        method,
        dispatcher: this.agent,
        headers: {
          'x-api-key': apiKey,
          ...(content === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(content === undefined ? {} : { body: JSON.stringify(content) }),
      });
      await body.dump();
      return String(statusCode);
    } catch (error) {
      if (error instanceof errors.UndiciError || (error instanceof Error && 'code' in error)) return 'none';
      throw error;
    }
  }
}
