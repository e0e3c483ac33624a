// @module-tag pgbouncer
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Cancellation } from '#libs/database';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { batch, codesOf, Engine, newKey, rename } from '../support/engine';
import { PgBouncer, poolerSettings } from '../support/pgbouncer.server';
import { PostgresPair } from '../support/postgres.pair';
import { onServer } from '../support/server.database';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

const POOL_SIZE = 4;

/** The shipped settings, for the role of this test. */
const ROLE_SETTINGS = readFileSync('deploy/pgbouncer/role-settings.sql', 'utf8')
  .replaceAll(/^ALTER ROLE prism_worker .*$/gm, '')
  .replaceAll('prism_gateway', 'postgres');

// The standby is stopped, so that commits wait for it.
describe.each(['session', 'transaction'] as const)('with a synchronous standby and %s pooling', (mode) => {
  let pair: PostgresPair;
  let pooler: PgBouncer;
  let engine: Engine;
  let team: string;
  let ids: string[];

  beforeEach(async () => {
    pair = await PostgresPair.create();
    await onServer(pair.primary.url, ROLE_SETTINGS);
    pooler = await PgBouncer.start(mode, pair.primaryUrl, { default_pool_size: String(POOL_SIZE + 2) });
    const settings = { ...poolerSettings(mode), DATABASE_POOL_SIZE: String(POOL_SIZE) };
    const direct = await Session.open(pair.primaryUrl);
    engine = await Engine.connect(pooler.url('prism', 'postgres'), settings, () => Promise.resolve(), direct);
    team = randomUUID();
    ids = await engine.insert(team, 12);
    await pair.standby.stop('fast');
  });
  afterEach(async () => {
    await engine.close();
    await pooler.stop();
    await pair.remove();
  });

  async function restoreStandby(): Promise<void> {
    await pair.standby.start();
    await pair.waitUntilSynchronous();
  }

  const patch = (id = ids[0] ?? '') => batch(team, [rename(id)]);

  it('the warning of an unconfirmed commit makes the outcome unknown', async () => {
    for (const [key, code] of [
      [undefined, 'outcome_unknown'],
      [newKey(), 'unavailable'],
    ] as const) {
      const applied = engine.apply(patch(), key);
      const pids = await pair.waitingBackends(1);
      await onServer(
        pair.primary.url,
        `SELECT pg_cancel_backend(pid) FROM unnest('{${pids.join(',')}}'::int[]) AS pid`,
      );
      expect(codesOf(await applied)).toEqual([code]);
    }
  });

  it('an unconfirmed commit frees its place in the pool, although the pooler keeps the backend', async () => {
    for (const id of ids.slice(0, POOL_SIZE)) {
      const applied = engine.apply(patch(id));
      const pids = await pair.waitingBackends(1);
      await onServer(
        pair.primary.url,
        `SELECT pg_cancel_backend(pid) FROM unnest('{${pids.join(',')}}'::int[]) AS pid`,
      );
      expect(codesOf(await applied)).toEqual(['outcome_unknown']);
    }
    await restoreStandby();
    await expect.poll(() => engine.database.stats().discarded, { timeout: 20_000 }).toBe(0);
    expect(codesOf(await engine.apply(patch()))).toEqual(['ok']);
  });

  it('a commit that waits is not canceled when the caller disconnects', async () => {
    const cancellation = new Cancellation();
    const applied = engine.apply(patch(), newKey(), undefined, cancellation);
    await pair.waitingBackends(1);
    cancellation.request();
    await restoreStandby();
    expect(codesOf(await applied)).toEqual(['ok']);
  });

  it('a statement that changes nothing is canceled, or its connection is closed', async () => {
    const running = async (): Promise<number> => {
      const rows = await engine.session.query(
        "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'",
      );
      return rows.length;
    };
    const cancellation = new Cancellation();
    const canceled = engine.database.query('SELECT pg_sleep(600)', [], { cancellation, isReadOnly: true });
    const outcome = canceled.catch((error: unknown) => error);
    await expect.poll(running).toBe(1);
    cancellation.request();
    expect(await outcome).toMatchObject({ kind: 'canceled' });

    const left = engine.database.query('SELECT pg_sleep(600)', [], { timeoutMs: 300, isReadOnly: true });
    await expect(left).rejects.toMatchObject({ kind: 'timeout' });
    await expect.poll(running).toBe(0);
  });

  it('connections whose callers stopped waiting keep their places, so that backends do not pile up', async () => {
    const counts: number[] = [];
    const applied = [];
    for (let round = 0; round < ids.length; round += 3) {
      const calls = ids.slice(round, round + 3).map((id) => engine.apply(patch(id), undefined, 300));
      applied.push(...(await Promise.allSettled(calls)));
      const [row] = await engine.session.query<{ n: number }>(
        "SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
      );
      counts.push(row?.n ?? 0);
    }
    expect(applied.filter(({ status }) => status === 'fulfilled')).toHaveLength(POOL_SIZE);
    expect(Math.max(...counts)).toBe(POOL_SIZE);
    expect(engine.database.stats()).toMatchObject({ total: POOL_SIZE, discarded: POOL_SIZE });

    await restoreStandby();
    await expect.poll(() => engine.database.stats().discarded, { timeout: 20_000 }).toBe(0);
    expect(codesOf(await engine.apply(patch()))).toEqual(['ok']);
  });
});

it('with transaction pooling, connections to a pooler whose host has vanished free their places in the pool', async () => {
  const pair = await PostgresPair.create();
  onTestFinished(() => pair.remove());
  await pair.changeSetting(pair.primary, "synchronous_standby_names = ''");
  await onServer(pair.primary.url, ROLE_SETTINGS);
  const pooler = await PgBouncer.start('transaction', pair.primaryUrl, {});
  onTestFinished(() => pooler.stop());
  const url = pooler.url('prism', 'postgres');
  const proxy = await TcpProxy.before(url);
  onTestFinished(() => {
    proxy.close();
  });
  const settings = { ...poolerSettings('transaction'), DATABASE_POOL_SIZE: '2' };
  const direct = await Session.open(pair.primaryUrl);
  const engine = await Engine.connect(proxy.through(url), settings, () => Promise.resolve(), direct);
  onTestFinished(() => engine.close());
  const team = randomUUID();
  const [id = ''] = await engine.insert(team, 1);
  const applied = (): Promise<string> =>
    engine.apply(batch(team, [rename(id)]), undefined, 1_000).then(
      (response) => codesOf(response).join(),
      () => 'error',
    );
  expect(await applied()).toBe('ok');
  proxy.replaceHost({ host: '127.0.0.1', port: pooler.port });
  await expect.poll(applied, { timeout: 20_000 }).toBe('ok');
  await expect.poll(() => engine.database.stats().discarded, { timeout: 20_000 }).toBe(0);
});
