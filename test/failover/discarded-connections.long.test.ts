import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { batch, codesOf, Engine, rename } from '../support/engine';
import { PostgresPair } from '../support/postgres.pair';
import { Session } from '../support/session';
import { TcpProxy } from '../support/tcp.proxy';

/** Long enough for a call that has a connection to send its statement. */
const SHORT_DEADLINE_MS = 1_000;

let pair: PostgresPair;
let engine: Engine;
let team: string;
let ids: string[];

beforeEach(async () => {
  pair = await PostgresPair.create();
  engine = await Engine.connect(pair.primaryUrl, { DATABASE_POOL_SIZE: '4' });
  team = randomUUID();
  ids = await engine.insert(team, 12);
  await pair.standby.stop('fast');
});
afterEach(async () => {
  await engine.close();
  await pair.remove();
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
  const renameWithShortDeadline = (gateway: Engine, records: readonly string[]) =>
    Promise.allSettled(records.map((id) => gateway.apply(batch(team, [rename(id)]), undefined, SHORT_DEADLINE_MS)));

  it('keep their places until their backends have ended, so that backends do not pile up', async () => {
    const counts: number[] = [];
    const applied = [];
    for (let round = 0; round < ids.length; round += 3) {
      applied.push(...(await renameWithShortDeadline(engine, ids.slice(round, round + 3))));
      counts.push(await backends());
    }
    expect(applied.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
    const errors = applied.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    for (const error of errors) expect(error).toMatchObject({ code: 'unavailable', status: 503, kind: 'timeout' });
    expect(Math.max(...counts)).toBeLessThanOrEqual(4 + 1); // the pool, and the connection that checks its backends
    expect(engine.database.stats()).toMatchObject({ total: 4, discarded: 4 });

    await pair.standby.start();
    await pair.waitUntilSynchronous();
    await expect.poll(() => engine.database.stats().discarded, { timeout: 20_000 }).toBe(0);
    expect(codesOf(await engine.apply(batch(team, [rename(ids[0] ?? '')])))).toEqual(['ok']);
  });

  it.each([
    ['one host', () => []],
    ['several hosts, of which another is a standby', () => [pair.standby.port]],
  ])('keep them while the server cannot be reached: %s', async (_, otherPorts) => {
    const proxy = await TcpProxy.before(pair.primaryUrl);
    const hosts = [proxy.port, ...otherPorts()].map((port) => `127.0.0.1:${port}`).join(',');
    const gateway = await Engine.connect(
      `postgres://postgres@${hosts}/prism`,
      { DATABASE_POOL_SIZE: '4' },
      undefined,
      await Session.open(pair.primaryUrl),
    );
    await renameWithShortDeadline(gateway, ids.slice(0, 4));
    expect(gateway.database.stats()).toMatchObject({ total: 4, discarded: 4 });
    if (otherPorts().length > 0) {
      // The standby is available, but confirms no commit.
      await pair.changeSetting(pair.primary, "synchronous_standby_names = 'other'");
      await pair.standby.start();
    }

    proxy.cut();
    await expect.poll(() => proxy.resetCount, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    proxy.resume();
    await renameWithShortDeadline(gateway, ids.slice(4, 8));
    expect(await backends()).toBeLessThanOrEqual(4 + 1);
    expect(gateway.database.stats()).toMatchObject({ total: 4, discarded: 4 });

    await pair.changeSetting(pair.primary, "synchronous_standby_names = 'standby'");
    if (otherPorts().length === 0) await pair.standby.start();
    await pair.waitUntilSynchronous();
    await expect.poll(() => gateway.database.stats().discarded, { timeout: 20_000 }).toBe(0);
    expect((await renameWithShortDeadline(gateway, ids.slice(8))).map(({ status }) => status)).toContain('fulfilled');
    await gateway.close();
    proxy.close();
  });

  it('free their places when another server of the URL has replaced theirs, which cannot be reached any more', async () => {
    const proxy = await TcpProxy.before(pair.primaryUrl);
    const url = `postgres://postgres@127.0.0.1:${proxy.port},127.0.0.1:${pair.standby.port}/prism`;
    const direct = await Session.open(pair.primaryUrl);
    const gateway = await Engine.connect(url, { DATABASE_POOL_SIZE: '4' }, undefined, direct);
    await renameWithShortDeadline(gateway, ids.slice(0, 4));
    expect(gateway.database.stats()).toMatchObject({ total: 4, discarded: 4 });
    proxy.cut();
    await pair.standby.start();
    await pair.promote();
    await expect.poll(() => gateway.database.stats().discarded, { timeout: 20_000 }).toBe(0);
    expect(codesOf(await gateway.apply(batch(team, [rename(ids[0] ?? '')])))).toEqual(['ok']);
    await gateway.close();
    proxy.close();
  });
});
