// @module-tag pgbouncer
import { randomUUID } from 'node:crypto';
import { readSettings } from '#libs/config';
import { Cancellation, openDatabase } from '#libs/database';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batch, codesOf, Engine, newKey, rename, renames, retryOf } from '../support/engine';
import { GatewayProcess } from '../support/gateway.process';
import { PooledDatabase } from '../support/pooled.database';
import { Random } from '../support/random';
import { Session } from '../support/session';

/** Of the pooler. With transaction pooling, the engine has more: it changes between them. */
const SERVER_CONNECTIONS = 4;
const BATCHES = 100;

describe.each(['session', 'transaction'] as const)('with %s pooling', (mode) => {
  /** With session pooling, one server connection remains for the connection that checks the backends. */
  const poolSize = mode === 'transaction' ? SERVER_CONNECTIONS + 1 : SERVER_CONNECTIONS - 1;
  let database: PooledDatabase;
  /** Without the pooler, to insert, read and interfere. */
  let direct: Engine;
  let engine: Engine;
  let team: string;
  let ids: string[];

  beforeAll(async () => {
    database = await PooledDatabase.create(mode, SERVER_CONNECTIONS);
    direct = await Engine.connect(database.directUrl);
  });
  afterAll(async () => {
    await direct.close();
    await database.remove();
  });
  beforeEach(async () => {
    const { DATABASE_URL: url, ...settings } = database.settings;
    const size = poolSize;
    engine = await Engine.connect(
      url,
      { ...settings, DATABASE_POOL_SIZE: String(size), LOCK_TIMEOUT_MS: '500' },
      undefined,
      direct.session,
    );
    team = randomUUID();
    ids = await direct.insert(team, 3);
  });
  afterEach(async () => {
    await engine.database.close();
  });

  const plan = () => renames(team, ids);

  /** Every server connection of the pooler, when no engine uses it. */
  async function expectCleanConnections(): Promise<void> {
    await engine.database.close();
    const connections = await database.connectionStates();
    expect(new Set(connections.map(({ pid }) => pid)).size).toBe(SERVER_CONNECTIONS);
    expect(connections.map(({ team: left, changed }) => ({ left, changed }))).toEqual(
      connections.map(() => ({ left: null, changed: null })),
    );
  }

  it('has the settings of a connection without a pooler in each session', async () => {
    const own = openDatabase(readSettings({ DATABASE_URL: database.directGatewayUrl }));
    const { rows: expected } = await own.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE source = 'client' AND name <> 'client_encoding' ORDER BY name",
    );
    await own.close();
    expect(expected.map(({ name }) => name)).toContain('client_connection_check_interval');
    const { rows } = await engine.database.query<{ name: string; setting: string }>(
      'SELECT name, setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name',
      [expected.map(({ name }) => name)],
    );
    expect(rows).toEqual(expected);
  });

  it('executes the same statements on every server connection', async () => {
    for (let round = 0; round < 10; round += 1) {
      const calls = Array.from({ length: 2 * poolSize }, () => engine.apply(batch(team, [rename(ids[0] ?? '')])));
      expect((await Promise.all(calls)).flatMap(codesOf)).toEqual(calls.map(() => 'ok'));
    }
    expect(await direct.versions(team, ids)).toEqual([1 + 10 * 2 * poolSize, 1, 1]);
  });

  it('takes a batch of several megabytes', async () => {
    const name = 'x'.repeat(100_000);
    const items = ids.map((id) => ({ op: 'update' as const, id, set: { name } }));
    const large = batch(team, Array.from({ length: 30 }, () => items).flat(), { return: 'minimal' });
    expect(new Set(codesOf(await engine.apply(large, newKey())))).toEqual(new Set(['ok']));
  });

  it('makes a gateway ready', async () => {
    const gateway = GatewayProcess.start(database.settings);
    const { api } = await gateway.listening();
    const response = await fetch(`${api}/health/ready`);
    expect([response.status, await response.json()]).toMatchObject([200, { checks: { postgres: 'up' } }]);
  });

  it('leaves no setting behind when a call fails between two items, and a retry resumes', async () => {
    const key = newKey();
    const cancellation = new Cancellation();
    await direct.session.hold(team, ids.slice(1, 2));
    const first = engine.apply(plan(), key, undefined, cancellation);
    const other = await Session.open(database.directUrl);
    while ((await other.lockWaiters()) === 0);
    cancellation.request();
    expect(codesOf(await first)[0]).not.toBe('locked');
    await direct.session.release();

    await other.query('BEGIN');
    await other.query('SELECT FROM idempotency_progress WHERE team_id = $1 FOR UPDATE', [team]);
    await expect(engine.apply(plan(), retryOf(key))).rejects.toMatchObject({ code: 'idempotency_key_in_use' });
    await other.release();
    await other.close();

    await expectCleanConnections();
    expect(codesOf(await direct.apply(plan(), retryOf(key)))).toEqual(['ok', 'ok', 'ok']);
    expect(await direct.versions(team, ids)).toEqual([2, 2, 2]);
  });

  it('applies each batch once through canceled calls and lost connections, and leaves no setting behind', async () => {
    const random = new Random(20_261_127);
    const records = await direct.insert(team, 100);
    const expected = new Map(records.map((id) => [id, 1]));
    let [started, interrupted] = [0, 0];
    const worker = async (): Promise<void> => {
      while (started < BATCHES) {
        const first = random.integer(0, 20);
        const items = records.slice(first, first + 80);
        for (const id of items) expected.set(id, (expected.get(id) ?? 0) + 1);
        started += 1;
        if (started % 10 === 0) await endOneBackend();
        interrupted += await applyUntilDone(items);
      }
    };
    const endOneBackend = (): Promise<unknown> =>
      direct.session.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE usename = 'prism_gateway' AND state = 'active' LIMIT 1`,
      );
    /** The first attempts are canceled at a random time. @returns how many attempts it took besides the last one */
    const applyUntilDone = async (items: string[]): Promise<number> => {
      const request = renames(team, items);
      const key = newKey();
      for (let attempts = 0; ; attempts += 1) {
        const cancellation = new Cancellation();
        const cancel = (): void => {
          cancellation.request();
        };
        const timer = attempts < 2 ? setTimeout(cancel, random.integer(0, 20)) : undefined;
        const applied = await engine
          .apply(request, retryOf(key), undefined, cancellation)
          .then(codesOf, (error: unknown) => [String(error)]); // in use, or unavailable: the attempt may still run
        clearTimeout(timer);
        if (applied.every((code) => code === 'ok')) return attempts;
      }
    };
    await Promise.all(Array.from({ length: poolSize }, worker));

    expect(interrupted).toBeGreaterThan(BATCHES / 10);
    expect(await direct.versions(team, records)).toEqual([...expected.values()]);
    await expectCleanConnections();
  });
});
