// @module-tag haproxy
// @module-tag redis-server
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Session } from '../support/session';
import { RolloutEnvironment } from './rollout.environment';

/** The deadline of requests, and the lifetime of the claim of a killed gateway in Redis. */
const timeoutMs = 3_000;

interface Responded {
  status: number;
  body: any;
}

/** A batch through the load balancer that patches two records, of which the second is locked until `release`. */
class HeldBatch {
  private constructor(
    private readonly environment: RolloutEnvironment,
    readonly records: string[],
    private readonly holder: Session,
    private readonly headers: Record<string, string>,
  ) {}

  static async make(environment: RolloutEnvironment, headers: Record<string, string>): Promise<HeldBatch> {
    const records = await environment.newRecords(2);
    const holder = await Session.open(environment.databaseUrl);
    await holder.hold(environment.teamId, records.slice(1));
    return new HeldBatch(environment, records, holder, { 'x-request-id': randomUUID(), ...headers });
  }

  async send(): Promise<Responded> {
    const { balancer, teamId, apiKey } = this.environment;
    const responded = await request(`${balancer.url}/v2/prism/${teamId}/organization/batch/update`, {
      method: 'POST',
      headers: {
        'x-api-key': apiKey,
        'content-type': 'application/json',
        'x-request-timeout-ms': String(timeoutMs),
        ...this.headers,
      },
      body: JSON.stringify({ items: this.records.map((id) => ({ id, default: { name: 'Patched' } })) }),
    });
    return { status: responded.statusCode, body: await responded.body.json() };
  }

  /** Releases the second record. */
  async release(): Promise<void> {
    await this.holder.release();
    await this.holder.close();
  }

  changes(): Promise<number[]> {
    return this.environment.changes(this.records);
  }

  /** The number of retries by HAProxy. */
  async retries(): Promise<number> {
    return Number((await this.environment.balancer.lineOf(String(this.headers['x-request-id']))).retries);
  }
}

let environment: RolloutEnvironment;

/** `kill -9` of the gateway that executes a batch. @returns its number */
async function killUnderBatch(): Promise<number> {
  const gateway = await environment.waitingGateway();
  await environment.gateways[gateway]?.kill();
  return gateway;
}

async function startAgain(gateway: number): Promise<void> {
  await environment.start(gateway);
  await environment.balancer.waitUntilUsed(1, 2);
}

describe('when a gateway is killed', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    environment = await RolloutEnvironment.open();
  });
  afterAll(() => environment.close());

  it('under load, no keyed request is lost, and each of its items is applied once', async () => {
    const traffic = await environment.traffic([{ keyed: true }, { keyed: true }, { keyed: true }, { keyed: true }]);
    for (const gateway of [0, 1]) {
      await traffic.waitForBatches();
      await environment.gateways[gateway]?.kill();
      await traffic.waitForBatches();
      await startAgain(gateway);
    }
    const reports = await traffic.stop();
    expect(await environment.miscounts(reports)).toEqual([]);
    const failures = reports.flatMap((report) => report.failures);
    // Every failed attempt was retryable.
    expect(failures.filter((failure) => !/^(409 .*idempotency_key_in_use|50[23] .*unavailable)/.test(failure))).toEqual(
      [],
    );
  });

  it('its batch without a key is not sent to the other gateway', async () => {
    const batch = await HeldBatch.make(environment, {});
    const response = batch.send();
    const gateway = await killUnderBatch();
    expect(await response).toMatchObject({ status: 502, body: { error: { code: 'unavailable' } } });
    // Postgres detects the closed connection, and the other items are not executed.
    await environment.quiet();
    await batch.release();
    expect(await batch.changes()).toEqual([1, 0]);
    expect(await batch.retries()).toBe(0);
    await startAgain(gateway);
  });

  it('its batch with a key goes to the other gateway, which responds 409 until the first attempt has ended', async () => {
    const batch = await HeldBatch.make(environment, { 'idempotency-key': randomUUID() });
    const response = batch.send();
    const gateway = await killUnderBatch();
    expect(await response).toMatchObject({ status: 409, body: { error: { code: 'idempotency_key_in_use' } } });
    expect(await batch.retries()).toBeGreaterThan(0);
    await environment.quiet();
    await batch.release();
    let retry = await batch.send();
    while (retry.status === 409) {
      await sleep(100); // the backoff of a caller
      retry = await batch.send();
    }
    expect(retry.body).toMatchObject({ results: [{ replayed: true }, { status: 'ok' }], summary: { succeeded: 2 } });
    expect(await batch.changes()).toEqual([1, 1]);
    await startAgain(gateway);
  });
});

describe('when a gateway is killed, and there is no Redis', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    environment = await RolloutEnvironment.open({ REDIS_URL: '' });
  });
  afterAll(() => environment.close());

  it('its batch with a key is completed by the other gateway, unnoticed by the client', async () => {
    const batch = await HeldBatch.make(environment, { 'idempotency-key': randomUUID() });
    const response = batch.send();
    const killed = await killUnderBatch();
    await environment.onlyWaitingGateway(1 - killed);
    await batch.release();
    const { status, body } = await response;
    expect(status).toBe(200);
    expect(body).toMatchObject({ results: [{ replayed: true }, { status: 'ok' }], summary: { succeeded: 2 } });
    expect(await batch.changes()).toEqual([1, 1]);
    expect(await environment.outcomes(batch.records)).toBe(2);
  });
});
