import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppliedBatch, Plan, PlanItem } from '#libs/records';
import type { LedgerKey } from '#libs/idempotency';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf } from '../support/engine';

/*
 * Two attempts at one request at once (docs/exactly-once.md).
 */

let engine: Engine;
let quick: Engine;

beforeAll(async () => {
  engine = await Engine.start({ DATABASE_POOL_SIZE: '8', LOCK_TIMEOUT_MS: '20000' });
  quick = await Engine.connect(engine.url, { DATABASE_POOL_SIZE: '2', LOCK_TIMEOUT_MS: '50' });
});
afterAll(async () => {
  await quick.close();
  await engine.close();
});

/** A patch of a record that must not have changed since. */
const renameUnchanged = async (teamId: string, id: string): Promise<PlanItem> => ({
  op: 'update',
  id,
  if_match: (await engine.etags(teamId)).get(id) ?? '',
  set: { name: 'New' },
});

/** Gives a record another etag, without another version; the opposite shift restores it. */
async function shiftChangeTime(id: string, seconds: number): Promise<void> {
  await quick.session.query(
    `UPDATE records SET updated_at = (updated_at AT TIME ZONE 'UTC' + $2 * interval '1 s') AT TIME ZONE 'UTC' WHERE id = $1`,
    [id, seconds],
  );
}

/** Locks records, and starts an attempt; resolves when it waits for one of them. */
async function startWaiting(plan: Plan, key: LedgerKey, locked: string[]): Promise<{ result: Promise<AppliedBatch> }> {
  await engine.session.hold(plan.teamId, locked);
  const result = engine.apply(plan, key);
  await engine.waitingBackends();
  return { result };
}

/** Starts a batch of two items that waits for the record of the second one. */
async function startWaitingBatch() {
  const teamId = randomUUID();
  const ids = await engine.insert(teamId, 2);
  const items = ids.map((id) => rename(id));
  const key = newKey();
  return { teamId, ids, items, key, ...(await startWaiting(batch(teamId, items), key, ids.slice(1))) };
}

describe('two attempts at once', () => {
  it('count no precondition_failed that one of them has caused, and so do not stop', async () => {
    const teamId = randomUUID();
    const [first = '', second = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [await renameUnchanged(teamId, first), rename(second)], { onError: 'stop' });
    const key = newKey();
    await engine.session.hold(teamId, [first]);
    const running = Promise.all([engine.apply(plan, key), engine.apply(plan, retryOf(key))]);
    await engine.waitingBackends(2);
    await engine.session.release();
    const [one, other] = await running;
    expect(codesOf(one)).toEqual(['ok', 'ok']);
    expect(codesOf(other)).toEqual(['ok', 'ok']);
    expect(entriesOf(one)).toEqual(entriesOf(other));
    expect(await engine.versions(teamId, [first, second])).toEqual([2, 2]);
  });

  it('have one result if one completes the request while the other waits for a record', async () => {
    const teamId = randomUUID();
    const [first = '', second = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [rename(first), rename(second)]);
    const key = newKey();
    await engine.session.hold(teamId, [second]);
    const running = Promise.all([engine.apply(plan, key), engine.apply(plan, retryOf(key))]);
    await engine.waitingBackends(2);
    await engine.session.release();
    const [one, other] = await running;
    expect(entriesOf(one)).toEqual(entriesOf(other));
    expect(await engine.versions(teamId, [first, second])).toEqual([2, 2]);
    expect(await engine.session.query('SELECT FROM idempotency_progress WHERE team_id = $1', [teamId])).toEqual([]);
  });

  it('apply an item that failed in one of them and succeeded in the other, whose outcome counts', async () => {
    const teamId = randomUUID();
    const [first = '', second = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [await renameUnchanged(teamId, first), rename(second)]);
    const key = newKey();
    await shiftChangeTime(first, 1);
    const failing = await startWaiting(plan, key, [second]);
    await shiftChangeTime(first, -1);
    expect(codesOf(await quick.apply(plan, retryOf(key)))).toEqual(['ok', 'locked']);
    await engine.session.release();
    expect(codesOf(await failing.result)).toEqual(['ok', 'ok']);
    expect(await engine.versions(teamId, [first, second])).toEqual([2, 2]);
  });

  it('return the outcome that one of them has stored for an item that the other has applied', async () => {
    const teamId = randomUUID();
    const [first = '', second = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [rename(first), rename(second)]);
    const key = newKey();
    await engine.session.hold(teamId, [second]);
    const applying = engine.apply(plan, key);
    await engine.waitingBackends();
    await quick.apply(batch(teamId, [rename(first, 'Later')]));
    const stored = await quick.apply(plan, retryOf(key));
    expect(codesOf(stored)).toEqual(['ok', 'locked']);
    expect(entriesOf(stored)[0]).toContain('"Later"');
    await engine.session.release();
    const response = await applying;
    expect(codesOf(response)).toEqual(['ok', 'ok']);
    expect(entriesOf(response)[0]).toBe(entriesOf(stored)[0]);
    expect(await engine.versions(teamId, [first, second])).toEqual([3, 2]);
  });

  it('do not apply an item whose failure one of them has stored', async () => {
    const teamId = randomUUID();
    const [first = '', second = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [rename(first), await renameUnchanged(teamId, second)]);
    const key = newKey();
    await shiftChangeTime(second, 1);
    const later = await startWaiting(plan, key, [first]);
    expect(codesOf(await quick.apply(plan, retryOf(key)))).toEqual(['locked', 'precondition_failed']);
    await shiftChangeTime(second, -1);
    await engine.session.release();
    expect(codesOf(await later.result)).toEqual(['ok', 'precondition_failed']);
    expect(await engine.versions(teamId, [first, second])).toEqual([2, 1]);
  });

  it('reject the one that waits too long for the last transaction of the other, and its items are applied once', async () => {
    const { teamId, ids, items, key, result } = await startWaitingBatch();
    // The test holds the progress row, like an attempt whose last commit waits for a standby.
    await engine.session.query('SELECT FROM idempotency_progress WHERE team_id = $1 FOR UPDATE', [teamId]);
    await expect(quick.apply(batch(teamId, items), retryOf(key))).rejects.toMatchObject({
      code: 'idempotency_key_in_use',
      retryAfterSeconds: 1,
    });
    await engine.session.release();
    expect(codesOf(await result)).toEqual(['ok', 'ok']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 2]);
  });
});

describe('an attempt that runs longer than its key is kept', () => {
  it('applies nothing more when the key is used for a new request', async () => {
    const { teamId, ids, key, result } = await startWaitingBatch();
    const renewing = await Engine.connect(engine.url);
    await renewing.session.query(
      "UPDATE idempotency_requests SET created_at = now() - interval '9 days' WHERE team_id = $1",
      [teamId],
    );
    const renewed = await renewing.apply(
      batch(
        teamId,
        ids.slice(0, 1).flatMap((id) => [rename(id), rename(id)]),
      ),
      retryOf(key),
    );
    expect(codesOf(renewed)).toEqual(['ok', 'ok']);
    await renewing.close();
    const rejected = expect(result).rejects.toMatchObject({ code: 'idempotency_key_stale' });
    await engine.session.release();
    await rejected;
    expect(await engine.versions(teamId, ids)).toEqual([4, 1]);
  });
});
