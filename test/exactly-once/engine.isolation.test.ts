import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { type BatchOptions, type PlanItem } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf } from '../support/engine';
import { etagOf } from '../support/etags';
import { isCluster, Session } from '../support/session';

const lockTimeoutMs = 300;

let engine: Engine;
/** An engine on the same database with a long lock timeout. */
let longTimeout: Engine;
let teamId: string;

beforeAll(async () => {
  engine = await Engine.start({ LOCK_TIMEOUT_MS: String(lockTimeoutMs) });
  longTimeout = await Engine.connect(engine.url, { LOCK_TIMEOUT_MS: '20000' });
  // Like a trigger of an operator: it writes, and can fail with any SQLSTATE.
  await engine.session.query('CREATE TABLE audit (team_id uuid, id uuid)');
  if (isCluster()) await engine.session.query("SELECT create_distributed_table('audit', 'team_id')");
  await engine.session.query(`
    CREATE FUNCTION audit_or_fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit VALUES (NEW.team_id, NEW.id);
      IF NEW.properties ? 'sqlstate' THEN
        RAISE EXCEPTION USING ERRCODE = NEW.properties ->> 'sqlstate', MESSAGE = 'SELECT secret FROM records';
      END IF;
      RETURN NULL;
    END $$`);
  await engine.session.query(
    'CREATE TRIGGER audit_or_fail AFTER UPDATE ON records FOR EACH ROW EXECUTE FUNCTION audit_or_fail()',
  );
});
afterAll(async () => {
  await longTimeout.close();
  await engine.close();
});

let logged: MockInstance<Logger['error']>;

beforeEach(() => {
  logged = vi.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await engine.session.query('TRUNCATE audit');
});

async function newRecords(count: number): Promise<string[]> {
  teamId = randomUUID();
  return engine.insert(teamId, count);
}

function patches(ids: readonly string[]): PlanItem[] {
  return ids.map((id) => rename(id));
}

function fail(id: string, sqlstate: string): PlanItem {
  return { op: 'update', id, set: { sqlstate } };
}

describe('an item', () => {
  it('is committed in its own transaction, and visible while the next one waits', async () => {
    const ids = await newRecords(3);
    await engine.session.hold(teamId, ids.slice(1, 2));
    const running = longTimeout.apply(batch(teamId, patches(ids)));
    await engine.waitingBackends();
    expect(await engine.versions(teamId, ids)).toEqual([2, 1, 1]);
    await engine.session.release();
    expect(codesOf(await running)).toEqual(['ok', 'ok', 'ok']);
  });

  it('whose record is locked waits for the lock timeout, and the others are applied', async () => {
    const ids = await newRecords(5);
    await engine.session.hold(teamId, ids.slice(2, 3));
    const result = await engine.apply(batch(teamId, patches(ids)));
    await engine.session.release();
    expect(codesOf(result)).toEqual(['ok', 'ok', 'locked', 'ok', 'ok']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 2, 1, 2, 2]);
    expect(1_000 * (result.outcomes[2]?.seconds ?? 0)).toBeGreaterThanOrEqual(lockTimeoutMs);
  });

  it.each([
    ['23505', 'conflict', false],
    ['23P01', 'conflict', false],
    ['55P03', 'locked', true],
    ['40P01', 'locked', true],
    ['40001', 'locked', true],
    ['57014', 'not_attempted', true],
    ['25006', 'not_attempted', true],
    ['53100', 'unavailable', true],
    ['58030', 'unavailable', true],
    ['22003', 'internal', true],
    ['23503', 'internal', true],
    ['XX000', 'internal', true],
    ['P0001', 'internal', true],
  ])('that fails with SQLSTATE %s is %s, and its transaction is rolled back', async (sqlstate, code, retryable) => {
    const ids = await newRecords(3);
    const [first = '', second = '', third = ''] = ids;
    const result = await engine.apply(batch(teamId, [rename(first), fail(second, sqlstate), rename(third)]));

    // After a cancellation, or when the server has become read-only, no further item is started.
    const thirdCode = code === 'not_attempted' ? 'not_attempted' : 'ok';
    expect(codesOf(result)).toEqual(['ok', code, thirdCode]);
    const entry = entriesOf(result)[1] ?? '';
    expect(JSON.parse(entry)).toMatchObject({ id: second, status: 'error', error: { code, retryable } });
    expect(entry).not.toContain('secret');
    expect(entry).not.toContain(sqlstate);
    // The SQLSTATE of an internal error is logged, and not returned.
    if (code !== 'internal') expect(logged).not.toHaveBeenCalled();
    else
      expect(logged.mock.lastCall?.[0]).toMatchObject({
        internal_errors: expect.stringContaining(sqlstate) as unknown,
      });

    expect(await engine.versions(teamId, ids)).toEqual([2, 1, thirdCode === 'ok' ? 2 : 1]);
    const audited = await engine.session.query('SELECT id FROM audit');
    expect(audited).toEqual((thirdCode === 'ok' ? [first, third] : [first]).map((id) => ({ id })));
  });

  it.each([
    ['of a batch', 1, {}],
    ['of a batch that changes all or nothing', 1, { onError: 'rollback' }],
    ['of a dry run, at its start', 0, { dryRun: true }],
    ['of a dry run', 1, { dryRun: true }],
  ] as const)('%s that meets a read-only server closes the idle connections', async (_, position, options) => {
    const own = await Engine.connect(engine.url, {}, undefined, await Session.open(engine.url));
    await Promise.all([own.database.query('SELECT pg_sleep(0.01)'), own.database.query('SELECT pg_sleep(0.01)')]);
    expect(own.database.stats().idle).toBe(2);
    const items = (await newRecords(3)).map((id, index) => (index === position ? fail(id, '25006') : rename(id)));
    expect(codesOf(await own.apply(batch(teamId, items, options)))).toContain('not_attempted');
    await expect.poll(() => own.database.stats().total).toBe(0);
    expect(logged).not.toHaveBeenCalled();
    await own.close();
  });

  // A cluster has no fast path for a single item (docs/scale.md): this is a batch, whose item is not_attempted.
  it.skipIf(isCluster())(
    'that is alone and meets a read-only server was not applied: the request is unavailable',
    async () => {
      const [id = ''] = await newRecords(1);
      const plan = batch(teamId, [fail(id, '25006')]);
      for (const key of [undefined, newKey()]) {
        await expect(engine.apply(plan, key)).rejects.toMatchObject({ code: 'unavailable', kind: 'connection' });
      }
      expect(await engine.versions(teamId, [id])).toEqual([1]);
      expect(await engine.session.query('SELECT FROM idempotency_requests WHERE team_id = $1', [teamId])).toEqual([]);
    },
  );

  it.each(['internal', 'locked', 'conflict'])(
    'that failed with %s is stored in the ledger only if the failure is final',
    async (code) => {
      const sqlstate = { internal: 'XX000', locked: '55P03', conflict: '23505' }[code] ?? '';
      const [id = '', other = ''] = await newRecords(2);
      const plan = batch(teamId, [fail(id, sqlstate), rename(other)]);
      const key = newKey();
      expect(codesOf(await engine.apply(plan, key))).toEqual([code, 'ok']);
      expect(await engine.settledItems(teamId)).toEqual(code === 'conflict' ? [1, 2] : [2]);

      await engine.session.query('ALTER TABLE records DISABLE TRIGGER audit_or_fail');
      const retry = await engine.apply(plan, retryOf(key));
      await engine.session.query('ALTER TABLE records ENABLE TRIGGER audit_or_fail');
      expect(codesOf(retry)).toEqual([code === 'conflict' ? 'conflict' : 'ok', 'ok']);
      expect(await engine.versions(teamId, [id, other])).toEqual([code === 'conflict' ? 1 : 2, 2]);
    },
  );

  it('that creates a record with an existing id is a conflict', async () => {
    const [id = ''] = await newRecords(1);
    const create = { op: 'create', id, properties: { name: 'Duplicate' }, list: {}, extended: {} } as const;
    expect(codesOf(await engine.apply(batch(teamId, [create])))).toEqual(['conflict']);
    expect((await engine.stored(teamId)).get(id)).toMatchObject({ version: 1, properties: { name: 'Acme' } });
  });
});

describe('a batch', () => {
  // On a cluster, test/cluster/routing.test.ts counts the statements on each node.
  it.skipIf(isCluster())('is one statement on one connection', async () => {
    const ids = await newRecords(100);
    let statements = 0;
    const checkOut = engine.database.withClient.bind(engine.database);
    const withClient = vi.spyOn(engine.database, 'withClient').mockImplementation((use, options) =>
      checkOut((client) => {
        const query: typeof client.query = (...call) => {
          statements += 1;
          return client.query(...call);
        };
        return use({ query });
      }, options),
    );
    const items = patches(ids);
    await engine.apply(batch(teamId, items));
    await engine.apply(batch(teamId, items), newKey());
    expect(withClient).toHaveBeenCalledTimes(2);
    expect(statements).toBe(2);
  });

  it('ends before its deadline, with not_attempted for items that were not started', async () => {
    const ids = await newRecords(6);
    await engine.session.hold(teamId, ids.slice(1, 5));
    for (const key of [undefined, newKey()]) {
      // A call that exceeds its deadline has no outcomes: `apply` ends it.
      const codes = codesOf(await engine.apply(batch(teamId, patches(ids)), key, 1_300));
      expect(codes.join()).toMatch(/^ok(,locked)+(,not_attempted)+$/);
    }
    await engine.session.release();
    expect(await engine.versions(teamId, ids)).toEqual([3, 1, 1, 1, 1, 1]);
  });

  it('counts the wait for a connection against its deadline', async () => {
    const alone = await Engine.connect(engine.url, { DATABASE_POOL_SIZE: '1', LOCK_TIMEOUT_MS: '500' });
    const ids = await newRecords(3);
    await engine.session.hold(teamId, ids.slice(0, 2));
    const blocking = alone.apply(batch(teamId, patches(ids.slice(0, 1))));
    const result = await alone.apply(batch(teamId, patches(ids)), undefined, 800);
    await engine.session.release();
    await blocking;
    await alone.close();
    // It waits 500 ms for the connection, and then for the first lock until the deadline.
    expect(codesOf(result)).toEqual(['locked', 'not_attempted', 'not_attempted']);
  });

  it('with 1 ms to its deadline applies no item', async () => {
    const ids = await newRecords(2);
    const work = batch(teamId, patches(ids));
    const outcome = await engine.apply(work, undefined, 1).then(codesOf, (error: unknown) => error);
    if (Array.isArray(outcome))
      expect(outcome).toEqual(expect.arrayContaining([expect.stringMatching(/^(not_attempted|outcome_unknown)$/)]));
    else expect(outcome).toMatchObject({ code: 'unavailable' });
  });

  it('with on_error stop executes no item after the first failure', async () => {
    const ids = await newRecords(3);
    const [first = '', second = '', third = ''] = ids;
    const items = [rename(first), rename(randomUUID()), rename(second), rename(third)];
    const result = await engine.apply(batch(teamId, items, { onError: 'stop' }));
    expect(codesOf(result)).toEqual(['ok', 'not_found', 'not_attempted', 'not_attempted']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 1, 1]);
  });

  it('with on_error rollback is applied in one transaction or not at all', async () => {
    const ids = await newRecords(3);
    const items = patches(ids);
    const failing = batch(teamId, [...items, fail(ids[1] ?? '', 'XX000')], { onError: 'rollback' });
    expect(codesOf(await engine.apply(failing))).toEqual(['rolled_back', 'rolled_back', 'rolled_back', 'internal']);
    expect(await engine.versions(teamId, ids)).toEqual([1, 1, 1]);
    expect(await engine.session.query('SELECT FROM audit')).toHaveLength(0);

    await engine.session.hold(teamId, ids.slice(1, 2));
    const running = longTimeout.apply(batch(teamId, items, { onError: 'rollback' }));
    await engine.waitingBackends();
    expect(await engine.versions(teamId, ids)).toEqual([1, 1, 1]);
    await engine.session.release();
    expect(codesOf(await running)).toEqual(['ok', 'ok', 'ok']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 2, 2]);
  });

  it('that is sent concurrently in different orders never deadlocks', async () => {
    const ids = await newRecords(20);
    const forward = patches(ids);
    const backward = forward.toReversed();
    const variants: [PlanItem[], Partial<BatchOptions>][] = [
      [forward, {}],
      [backward, {}],
      [forward, { onError: 'rollback' }],
      [backward, { onError: 'rollback' }],
      [backward, { dryRun: true }],
    ];
    const before = await deadlocks();
    const results = await Promise.all(
      Array.from({ length: 10 }, () => variants)
        .flat()
        .map(([items, options]) => longTimeout.apply(batch(teamId, items, options))),
    );
    expect(new Set(results.flatMap(codesOf))).toEqual(new Set(['ok']));
    expect(await engine.versions(teamId, ids)).toEqual(ids.map(() => 41));
    expect(await deadlocks()).toBe(before);
  });
});

describe('a dry run', () => {
  it('returns the results that the batch would have, and changes nothing', async () => {
    const ids = await newRecords(2);
    const [first = '', second = ''] = ids;
    const items: PlanItem[] = [
      { op: 'update', id: second, if_match: (await engine.etags(teamId)).get(second) ?? '', set: { name: 'A' } },
      rename(first, 'B'),
      rename(second, 'C'),
      { op: 'delete', id: second },
      rename(second, 'D'),
      { op: 'read', id: first },
    ];
    const dry = await engine.apply(batch(teamId, items, { dryRun: true }));
    const tags = entriesOf(dry).map((entry) => (JSON.parse(entry) as { etag?: string }).etag);
    expect(codesOf(dry)).toEqual(['ok', 'ok', 'ok', 'ok', 'not_found', 'ok']);
    expect(tags).toEqual([etagOf(2), etagOf(2), etagOf(3), etagOf(4), undefined, etagOf(2)]);
    expect(await engine.versions(teamId, ids)).toEqual([1, 1]);
    expect(await engine.settledItems(teamId)).toEqual([]);
    expect(await engine.session.query('SELECT FROM audit')).toHaveLength(0);

    // The batch has the same results.
    const real = await engine.apply(batch(teamId, items));
    expect(codesOf(real)).toEqual(codesOf(dry));
  });

  it('returns the results of the other items if some raise an error in the database', async () => {
    const ids = await newRecords(4);
    const held = ids.filter((_, index) => index % 2 === 1);
    await engine.session.hold(teamId, held);
    const dry = await engine.apply(batch(teamId, patches([...ids, ...ids]), { dryRun: true }));
    await engine.session.release();
    const tags = entriesOf(dry).map((entry) => (JSON.parse(entry) as { etag?: string }).etag);
    expect(codesOf(dry)).toEqual(['ok', 'locked', 'ok', 'locked', 'ok', 'locked', 'ok', 'locked']);
    expect(tags).toEqual([etagOf(2), undefined, etagOf(2), undefined, etagOf(3), undefined, etagOf(3), undefined]);
    expect(await engine.versions(teamId, ids)).toEqual([1, 1, 1, 1]);
  });

  it.each([
    ['stop', ['ok', 'not_found', 'not_attempted']],
    ['rollback', ['rolled_back', 'not_found', 'rolled_back']],
  ] as const)('returns the results of on_error %s', async (onError, codes) => {
    const ids = await newRecords(2);
    const [first = '', second = ''] = ids;
    const items = [rename(second), rename(randomUUID()), rename(first)];
    expect(codesOf(await engine.apply(batch(teamId, items, { onError, dryRun: true })))).toEqual(codes);
    expect(await engine.versions(teamId, ids)).toEqual([1, 1]);
    expect(codesOf(await engine.apply(batch(teamId, items, { onError })))).toEqual(codes);
  });
});

async function deadlocks(): Promise<number | undefined> {
  const [row] = await engine.session.query<{ deadlocks: number }>(
    'SELECT deadlocks::integer FROM pg_stat_database WHERE datname = current_database()',
  );
  return row?.deadlocks;
}
