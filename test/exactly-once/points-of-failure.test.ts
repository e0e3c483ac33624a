// @module-tag redis-server
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse } from '../support/api.client';
import {
  isComplete,
  type KeyedBatch,
  replayedItems,
  expectedResponse,
  rightRecords,
  summaryOf,
  unmarked,
} from './points/keyed.batch';
import { type Step, steps } from './points/steps';
import { type Attempt, World } from './points/world';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.stop());
afterEach(() => world.tidy());

type Row = readonly [after: string, then: string, step: Step];

/** The steps as rows of a table, each with what is to come of it. */
function table(rows: readonly Step[], then: (committed: number) => string): Row[] {
  return rows.map((step) => [step.after, then(step.committed), step]);
}

function whatARetryDoes(committed: number): string {
  if (committed === 0) return 'a retry applies all';
  return committed < expectedResponse.length ? 'a retry applies the rest' : 'a retry replays it';
}

const inDatabase = steps.filter(stopsInDatabase);
const unflushed = inDatabase.filter(({ committed, flushed }) => committed > 0 && !flushed);

function stopsInDatabase({ place }: Step): boolean {
  return typeof place === 'object' && 'database' in place;
}

function places(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** The items that were finished before the failure are taken from the ledger, and the answer says so. */
function expectResumed(response: ApiResponse, finished: readonly number[]): void {
  const whole = finished.length === expectedResponse.length;
  expect(response.headers['idempotent-replay']).toBe(whole ? 'true' : undefined);
  expect(replayedItems(response)).toEqual(whole ? [] : finished);
}

/** Drops Postgres under an attempt, which has its answer before Postgres is back. */
async function dropUnder(attempt: Attempt, step: Step): Promise<ApiResponse> {
  await world.dropPostgres(async () => {
    if (!stopsInDatabase(step)) await attempt.goOn();
    await attempt.response;
  });
  const responded = await attempt.response;
  if (responded === undefined) throw new Error('the gateway did not answer');
  expect([200, 503]).toContain(responded.status);
  return responded;
}

/** Every item happened once, the answer is right, and it is the same ever after, with Redis and without. */
async function expectExactlyOnce(batch: KeyedBatch, ...responses: ApiResponse[]): Promise<void> {
  expect(await world.stored(batch)).toEqual({ ledger: places(6), complete: true, records: rightRecords });
  const replay = await world.retry(batch);
  expect(summaryOf(replay)).toEqual(expectedResponse);
  for (const response of responses) expect(unmarked(response)).toBe(replay.text);
  await world.flushRedis();
  const fromLedger = await world.retry(batch);
  expect(fromLedger.text).toBe(replay.text);
  for (const { headers } of [replay, fromLedger]) expect(headers['idempotent-replay']).toBe('true');
}

describe('when the gateway is killed and its statement is canceled', () => {
  it.each(table(steps, whatARetryDoes))('%s: %s', async (_after, _then, step) => {
    const batch = await world.newBatch();
    const attempt = await world.attemptUpTo(step, batch);
    await world.killGateway();
    if (step.claimed) {
      for (const expiryMs of await world.claimExpiry()) expect(expiryMs).toBeLessThanOrEqual(3_000);
      await world.extendClaim();
    }
    if (stopsInDatabase(step)) await world.endStatement();
    const first = await attempt.response;
    expect(first !== undefined).toBe(step.place === 'answered');

    const finished = places(step.committed);
    expect((await world.stored(batch)).ledger).toEqual(finished);
    if (step.claimed) {
      const early = await world.retry(batch);
      expect([early.status, early.body.error.code]).toEqual([409, 'idempotency_key_in_use']);
      await world.endClaim();
    }
    const response = await world.retryUntilComplete(batch);
    expectResumed(response, finished);
    await expectExactlyOnce(batch, response, ...(first ? [first] : []));
  });
});

describe('when the gateway is killed and its statement runs on beside the retry', () => {
  it.each(table(inDatabase, () => 'each item happens in one of the two'))('%s: %s', async (_after, _then, step) => {
    const batch = await world.newBatch();
    const attempt = await world.attemptUpTo(step, batch);
    await world.killGateway();
    await world.endClaim();
    const [response] = await Promise.all([world.retryUntilComplete(batch), attempt.goOn()]);
    await expectExactlyOnce(batch, response);
  });
});

describe('when Postgres is killed', () => {
  it.each(table(steps, whatARetryDoes))('%s: %s', async (_after, _then, step) => {
    const batch = await world.newBatch();
    const attempt = await world.attemptUpTo(step, batch);
    if (!step.flushed) await world.writeAhead();
    const first = await dropUnder(attempt, step);

    const finished = places(step.committed);
    expect((await world.stored(batch)).ledger).toEqual(finished);
    const response = await world.retryUntilComplete(batch);
    expectResumed(response, finished);
    await expectExactlyOnce(batch, response, ...(isComplete(first) ? [first] : []));
  });
});

describe('when Postgres is killed before it has flushed commits', () => {
  it.each(table(unflushed, () => 'a retry applies what was lost, and the rest'))(
    '%s: %s',
    async (_after, _then, step) => {
      const batch = await world.newBatch();
      const first = await dropUnder(await world.attemptUpTo(step, batch), step);
      expect(isComplete(first)).toBe(false);

      const { ledger } = await world.stored(batch);
      expect(ledger).toEqual(places(ledger.length));
      const response = await world.retryUntilComplete(batch);
      expectResumed(response, ledger);
      await expectExactlyOnce(batch, response);
    },
  );
});

describe('when Redis is flushed and the retry runs beside the first attempt', () => {
  it.each(table(steps, () => 'both are answered in full'))('%s: %s', async (_after, _then, step) => {
    const batch = await world.newBatch();
    const attempt = await world.attemptUpTo(step, batch);
    await world.flushRedis();
    const retry = world.retry(batch);
    await world.respondedOrStopped(retry);
    await attempt.goOn();
    const responses = [await attempt.response, await retry].filter((response) => response !== undefined);
    expect(responses.map(isComplete)).toEqual([true, true]);
    await expectExactlyOnce(batch, ...responses);
  });
});
