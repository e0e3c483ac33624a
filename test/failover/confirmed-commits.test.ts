import { randomUUID } from 'node:crypto';
import { Cancellation } from '#libs/database';
import type { AppliedBatch } from '#libs/records';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batch, codesOf, Engine, newKey, rename, retryOf } from '../support/engine';
import { PostgresPair } from '../support/postgres.pair';
import { onServer } from '../support/server.database';

// The standby is stopped, so that commits wait for it. What the gateway acknowledges nevertheless would be lost if it took over.

let pair: PostgresPair;
let engine: Engine;
let team: string;
let ids: string[];

beforeEach(async () => {
  pair = await PostgresPair.create();
  engine = await Engine.connect(pair.primaryUrl, { DATABASE_POOL_SIZE: '4' });
  team = randomUUID();
  ids = await engine.insert(team, 3);
  await pair.standby.stop('fast');
});
afterEach(async () => {
  await engine.close();
  await pair.remove();
});

const cancelWaits = async (pids: number[]): Promise<void> => {
  await onServer(pair.primary.url, `SELECT pg_cancel_backend(pid) FROM unnest('{${pids.join(',')}}'::int[]) AS pid`);
};

/** Starts the standby again: everything that waits for it is confirmed. */
async function restoreStandby(): Promise<void> {
  await pair.standby.start();
  await pair.waitUntilSynchronous();
}

/** The versions of the records after the standby has taken over. */
async function versionsAfterFailover(): Promise<(number | undefined)[]> {
  await pair.primary.stop('immediate');
  await pair.promote();
  const promoted = await Engine.connect(pair.standbyUrl);
  const versions = await promoted.versions(team, ids);
  await promoted.close();
  return versions;
}

const plan = () =>
  batch(
    team,
    ids.map((id) => rename(id)),
  );
const patch = () => batch(team, [rename(ids[0] ?? '')]);

describe('a commit that its standby has not confirmed', () => {
  it('makes the outcome of a batch with a key unknown, and a retry waits for the standby', async () => {
    const key = newKey();
    const first = engine.apply(plan(), key);
    await cancelWaits(await pair.waitingBackends(1));
    expect(codesOf(await first)).toEqual(['unavailable', 'unavailable', 'unavailable']);

    const retry = engine.apply(plan(), retryOf(key));
    await pair.waitingBackends(1);
    await restoreStandby();
    expect(await retry).toMatchObject({ state: 'replayed', outcomes: [{}, {}, {}] });
    expect(codesOf(await retry)).toEqual(['ok', 'ok', 'ok']);
    expect(await versionsAfterFailover()).toEqual([2, 2, 2]);
  });

  it('makes the outcome of a single patch unknown, with and without a key', async () => {
    const outcomes: Promise<AppliedBatch>[] = [];
    for (const key of [undefined, newKey()]) {
      const applied = engine.apply(patch(), key);
      outcomes.push(applied);
      await cancelWaits(await pair.waitingBackends(1));
      await applied;
    }
    expect((await Promise.all(outcomes)).map(codesOf)).toEqual([['outcome_unknown'], ['unavailable']]);
  });

  it('is confirmed before a response says that an item leaves the record unchanged', async () => {
    const applied = engine.apply(patch());
    await cancelWaits(await pair.waitingBackends(1));
    expect(codesOf(await applied)).toEqual(['outcome_unknown']);

    const [id = ''] = ids;
    const change = { set: { name: 'Renamed' }, clear: null, ops: null };
    const same = { op: 'update', id, default: change, list: null, extended: null, skip_unchanged: true } as const;
    const repeated = [engine.apply(batch(team, [same])), engine.apply(batch(team, [same], { onError: 'rollback' }))];
    await pair.waitingBackends(2);
    await restoreStandby();
    for (const response of await Promise.all(repeated)) {
      expect(response.outcomes[0]?.entry).toContain('"effect": "unchanged"');
    }
  });

  it('makes the outcome of every retry unknown, and leaves no connection behind', async () => {
    const key = newKey();
    for (const attempt of Array.from({ length: 6 }, () => retryOf(key))) {
      const applied = engine.apply(plan(), attempt);
      await cancelWaits(await pair.waitingBackends(1));
      expect(codesOf(await applied)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    }
  });

  it('is confirmed before a retry gets its response, also if the primary restarts during the wait', async () => {
    const key = newKey();
    const first = engine.apply(plan(), key);
    await pair.waitingBackends(1);
    await pair.primary.stop('immediate');
    expect(codesOf(await first)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    await pair.primary.start();

    const retry = engine.apply(plan(), retryOf(key));
    await pair.waitingBackends(1);
    await restoreStandby();
    expect((await retry).state).toBe('replayed');
    expect(await versionsAfterFailover()).toEqual([2, 2, 2]);
  });

  it('is not canceled when the caller disconnects', async () => {
    const cancellation = new Cancellation();
    const applied = engine.apply(plan(), newKey(), undefined, cancellation);
    await pair.waitingBackends(1);
    cancellation.request();
    await restoreStandby();
    expect(codesOf(await applied)).toEqual(['ok', 'ok', 'ok']);
  });
});
