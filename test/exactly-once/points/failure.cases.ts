import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ApiResponse } from '../../support/api.client';
import {
  appliedItems,
  expectedRecords,
  expectedResponse,
  isComplete,
  type KeyedBatch,
  replayedItems,
  resumedResponse,
  summaryOf,
  unmarked,
} from './keyed.batch';
import type { Step } from './steps';
import { type Attempt, FailureEnvironment } from './failure.environment';

let environment: FailureEnvironment;

type Row = readonly [after: string, then: string, step: Step];

/** The steps as rows of a test table, each with the expected result. */
function rowsOf(rows: readonly Step[], then: (committed: number) => string): Row[] {
  return rows.map((step) => [step.after, then(step.committed), step]);
}

function effectOfRetry(committed: number): string {
  if (committed === 0) return 'a retry applies all items';
  return committed < expectedResponse.length ? 'a retry applies the rest' : 'a retry applies nothing again';
}

function stopsInDatabase({ place }: Step): boolean {
  return typeof place === 'object' && 'database' in place;
}

/** The items that are settled after the commits of a step: those that are applied, and all with the last transaction. */
function settledAt({ committed, flushed }: Step): number[] {
  return flushed ? [1, 2, 3, 4, 5, 6] : appliedItems.filter((item) => item <= committed);
}

/** Items that were applied before the failure are marked as replayed, and show the record as it is now. */
function expectResumed(response: ApiResponse, settled: readonly number[]): void {
  const whole = settled.length === expectedResponse.length;
  expect(response.headers['idempotent-replay']).toBe(whole ? 'true' : undefined);
  expect(replayedItems(response)).toEqual(whole ? [] : settled);
  const expected = expectedResponse.map((entry, index) => {
    return !whole && settled.includes(index + 1) ? resumedResponse[index] : entry;
  });
  expect(summaryOf(response)).toEqual(expected);
}

/** Crashes Postgres during an attempt, which gets its response before Postgres is restarted. */
async function crashDuring(attempt: Attempt, step: Step): Promise<ApiResponse> {
  await environment.crashPostgres(async () => {
    if (!stopsInDatabase(step)) await attempt.resume();
    await attempt.response;
  });
  const responded = await attempt.response;
  if (responded === undefined) throw new Error('the gateway did not respond');
  expect([200, 503]).toContain(responded.status);
  return responded;
}

/** Every item was applied once, and the response is right and replayed, from Redis and from the ledger. */
async function expectExactlyOnce(batch: KeyedBatch, ...responses: ApiResponse[]): Promise<void> {
  expect(await environment.stored(batch)).toEqual({
    ledger: [1, 2, 3, 4, 5, 6],
    complete: true,
    records: expectedRecords,
  });
  const replay = await environment.retry(batch);
  for (const [index, entry] of summaryOf(replay).entries()) {
    expect([expectedResponse[index], resumedResponse[index]]).toContainEqual(entry);
  }
  for (const response of responses) expect(unmarked(response)).toBe(replay.text);
  await environment.flushRedis();
  const fromLedger = await environment.retry(batch);
  expect(fromLedger.text).toBe(replay.text);
  for (const { headers } of [replay, fromLedger]) expect(headers['idempotent-replay']).toBe('true');
}

/** Defines a test for each step and each way in which it can fail. */
export function testPointsOfFailure(steps: readonly Step[]): void {
  beforeAll(async () => {
    environment = await FailureEnvironment.start();
  });
  afterAll(() => environment.stop());
  afterEach(() => environment.reset());

  const inDatabase = steps.filter(stopsInDatabase);
  const unflushed = inDatabase.filter(({ committed, flushed }) => committed > 0 && !flushed);

  describe('when the gateway is killed and its statement is canceled', () => {
    it.each(rowsOf(steps, effectOfRetry))('%s: %s', async (_after, _then, step) => {
      const batch = await environment.newBatch();
      const attempt = await environment.attemptUpTo(step, batch);
      await environment.killGateway();
      if (step.claimed) {
        for (const expiryMs of await environment.claimExpiry()) expect(expiryMs).toBeLessThanOrEqual(3_000);
        await environment.extendClaim();
      }
      if (stopsInDatabase(step)) await environment.endStatement();
      const first = await attempt.response;
      expect(first !== undefined).toBe(step.place === 'responded');

      const settled = settledAt(step);
      expect((await environment.stored(batch)).ledger).toEqual(settled);
      if (step.claimed) {
        const early = await environment.retry(batch);
        expect([early.status, early.body.error.code]).toEqual([409, 'idempotency_key_in_use']);
        await environment.endClaim();
      }
      const response = await environment.retryUntilComplete(batch);
      expectResumed(response, settled);
      await expectExactlyOnce(batch, response, ...(first ? [first] : []));
    });
  });

  describe('when the gateway is killed and its statement continues concurrently with the retry', () => {
    it.each(rowsOf(inDatabase, () => 'each item is applied by one of the two'))(
      '%s: %s',
      async (_after, _then, step) => {
        const batch = await environment.newBatch();
        const attempt = await environment.attemptUpTo(step, batch);
        await environment.killGateway();
        await environment.endClaim();
        const [response] = await Promise.all([environment.retryUntilComplete(batch), attempt.resume()]);
        await expectExactlyOnce(batch, response);
      },
    );
  });

  describe('when Postgres is killed', () => {
    it.each(rowsOf(steps, effectOfRetry))('%s: %s', async (_after, _then, step) => {
      const batch = await environment.newBatch();
      const attempt = await environment.attemptUpTo(step, batch);
      if (!step.flushed) await environment.flushWal();
      const first = await crashDuring(attempt, step);

      const settled = settledAt(step);
      expect((await environment.stored(batch)).ledger).toEqual(settled);
      const response = await environment.retryUntilComplete(batch);
      expectResumed(response, settled);
      await expectExactlyOnce(batch, response, ...(isComplete(first) ? [first] : []));
    });
  });

  describe('when Postgres is killed before it has flushed commits', () => {
    it.each(rowsOf(unflushed, () => 'a retry applies the lost items and the rest'))(
      '%s: %s',
      async (_after, _then, step) => {
        const batch = await environment.newBatch();
        const first = await crashDuring(await environment.attemptUpTo(step, batch), step);
        expect(isComplete(first)).toBe(false);

        const { ledger } = await environment.stored(batch);
        expect(ledger).toEqual(appliedItems.slice(0, ledger.length));
        const response = await environment.retryUntilComplete(batch);
        expectResumed(response, ledger);
        await expectExactlyOnce(batch, response);
      },
    );
  });

  describe('when Redis is flushed and the retry runs concurrently with the first attempt', () => {
    it.each(rowsOf(steps, () => 'both get the complete response'))('%s: %s', async (_after, _then, step) => {
      const batch = await environment.newBatch();
      const attempt = await environment.attemptUpTo(step, batch);
      await environment.flushRedis();
      const retry = environment.retry(batch);
      await environment.respondedOrWaiting(retry);
      await attempt.resume();
      const responses = [await attempt.response, await retry].filter((response) => response !== undefined);
      expect(responses.map(isComplete)).toEqual([true, true]);
      await expectExactlyOnce(batch, ...responses);
    });
  });
}
