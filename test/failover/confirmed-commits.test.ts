import { randomUUID } from 'node:crypto';
import { Cancellation } from '#libs/database';
import type { AppliedBatch } from '#libs/records';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batch, codesOf, Engine, newKey, rename, retryOf } from '../support/engine';
import { PostgresPair } from '../support/postgres.pair';
import { onServer } from '../support/server.database';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

// The standby is stopped, so that commits wait for it. What the gateway acknowledges nevertheless would be lost if it took over.

let pair: PostgresPair;
let engine: Engine;
let team: string;
let ids: string[];
let others: string[];

beforeEach(async () => {
  pair = await PostgresPair.create();
  engine = await Engine.over(pair.primaryUrl, { DATABASE_POOL_SIZE: '4' });
  team = randomUUID();
  ids = await engine.insert(team, 3);
  others = await engine.insert(team, 12);
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
  const promoted = await Engine.over(pair.standbyUrl);
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
    await cancelWaits(await pair.waiting(1));
    expect(codesOf(await first)).toEqual(['unavailable', 'unavailable', 'unavailable']);

    const retry = engine.apply(plan(), retryOf(key));
    await pair.waiting(1);
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
      await cancelWaits(await pair.waiting(1));
      await applied;
    }
    expect((await Promise.all(outcomes)).map(codesOf)).toEqual([['outcome_unknown'], ['unavailable']]);
  });

  it('is confirmed before a response says that an item leaves the record unchanged', async () => {
    const applied = engine.apply(patch());
    await cancelWaits(await pair.waiting(1));
    expect(codesOf(await applied)).toEqual(['outcome_unknown']);

    const [id = ''] = ids;
    const change = { set: { name: 'Renamed' }, clear: null, ops: null };
    const same = { op: 'update', id, default: change, list: null, extended: null, skip_unchanged: true } as const;
    const repeated = [engine.apply(batch(team, [same])), engine.apply(batch(team, [same], { onError: 'rollback' }))];
    await pair.waiting(2);
    await restoreStandby();
    for (const response of await Promise.all(repeated)) {
      expect(response.outcomes[0]?.entry).toContain('"effect": "unchanged"');
    }
  });

  it('makes the outcome of every retry unknown, and leaves no connection behind', async () => {
    const key = newKey();
    for (const attempt of Array.from({ length: 6 }, () => retryOf(key))) {
      const applied = engine.apply(plan(), attempt);
      await cancelWaits(await pair.waiting(1));
      expect(codesOf(await applied)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    }
  });

  it('is confirmed before a retry is answered if the primary restarts during the wait', async () => {
    const key = newKey();
    const first = engine.apply(plan(), key);
    await pair.waiting(1);
    await pair.primary.stop('immediate');
    expect(codesOf(await first)).toEqual(['unavailable', 'unavailable', 'unavailable']);
    await pair.primary.start();

    const retry = engine.apply(plan(), retryOf(key));
    await pair.waiting(1);
    await restoreStandby();
    expect((await retry).state).toBe('replayed');
    expect(await versionsAfterFailover()).toEqual([2, 2, 2]);
  });

  it('is not canceled when the caller disconnects', async () => {
    const cancellation = new Cancellation();
    const applied = engine.apply(plan(), newKey(), undefined, cancellation);
    await pair.waiting(1);
    cancellation.request();
    await restoreStandby();
    expect(codesOf(await applied)).toEqual(['ok', 'ok', 'ok']);
  });
});

describe('connections whose callers stopped waiting', () => {
  /** The number of backends that the gateway has. */
  const backends = async (): Promise<number> => {
    const [row] = await engine.session.query<{ n: number }>(
      "SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'prism-gateway'",
    );
    return row?.n ?? 0;
  };
  /** Renames records by calls that stop waiting before the standby confirms. */
  const renameBriefly = (gateway: Engine, records: readonly string[]) =>
    Promise.allSettled(records.map((id) => gateway.apply(batch(team, [rename(id)]), undefined, 300)));

  it('keep their places until their backends have ended, so that backends do not pile up', async () => {
    const counts: number[] = [];
    const applied = [];
    for (let round = 0; round < others.length; round += 3) {
      applied.push(...(await renameBriefly(engine, others.slice(round, round + 3))));
      counts.push(await backends());
    }
    expect(applied.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    const errors = applied.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    for (const error of errors) expect(error).toMatchObject({ code: 'unavailable', status: 503, kind: 'timeout' });
    expect(Math.max(...counts)).toBeLessThanOrEqual(4 + 1); // the pool, and the connection that looks after its backends
    expect(engine.database.use()).toMatchObject({ total: 4, discarded: 4 });

    await restoreStandby();
    await expect.poll(() => engine.database.use().discarded, { timeout: 20_000 }).toBe(0);
    expect(codesOf(await engine.apply(patch()))).toEqual(['ok']);
  });

  it.each([
    ['one host', () => []],
    ['several hosts, of which another is a standby', () => [pair.standby.port]],
  ])('keep them while the server cannot be reached: %s', async (_, otherPorts) => {
    const proxy = await TcpProxy.before(pair.primaryUrl);
    const hosts = [proxy.port, ...otherPorts()].map((port) => `127.0.0.1:${port}`).join(',');
    const gateway = await Engine.over(
      `postgres://postgres@${hosts}/prism`,
      { DATABASE_POOL_SIZE: '4' },
      undefined,
      await Session.open(pair.primaryUrl),
    );
    await renameBriefly(gateway, others.slice(0, 4));
    expect(gateway.database.use()).toMatchObject({ total: 4, discarded: 4 });
    if (otherPorts().length > 0) {
      // It is available, and does not confirm.
      await pair.changeSetting(pair.primary, "synchronous_standby_names = 'other'");
      await pair.standby.start();
    }

    proxy.cut();
    await expect.poll(() => proxy.resetCount, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    proxy.resume();
    await renameBriefly(gateway, others.slice(4, 8));
    expect(await backends()).toBeLessThanOrEqual(4 + 1);
    expect(gateway.database.use()).toMatchObject({ total: 4, discarded: 4 });

    await pair.changeSetting(pair.primary, "synchronous_standby_names = 'standby'");
    if (otherPorts().length === 0) await pair.standby.start();
    await pair.waitUntilSynchronous();
    await expect.poll(() => gateway.database.use().discarded, { timeout: 20_000 }).toBe(0);
    expect((await renameBriefly(gateway, others.slice(8))).map(({ status }) => status)).toContain('fulfilled');
    await gateway.close();
    proxy.close();
  });

  it('are free when another server of the URL has replaced theirs, which cannot be reached any more', async () => {
    const proxy = await TcpProxy.before(pair.primaryUrl);
    const url = `postgres://postgres@127.0.0.1:${proxy.port},127.0.0.1:${pair.standby.port}/prism`;
    const direct = await Session.open(pair.primaryUrl);
    const gateway = await Engine.over(url, { DATABASE_POOL_SIZE: '4' }, undefined, direct);
    await renameBriefly(gateway, others.slice(0, 4));
    expect(gateway.database.use()).toMatchObject({ total: 4, discarded: 4 });
    proxy.cut();
    await pair.standby.start();
    await pair.promote();
    await expect.poll(() => gateway.database.use().discarded, { timeout: 20_000 }).toBe(0);
    expect(codesOf(await gateway.apply(patch()))).toEqual(['ok']);
    await gateway.close();
    proxy.close();
  });
});
