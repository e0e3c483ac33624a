import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { type BatchOptions, type PlanItem } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf } from '../support/engine';

const lockTimeoutMs = 300;

let engine: Engine;
/** The same, but waits for as long as a test needs. */
let patient: Engine;
let teamId: string;

beforeAll(async () => {
  engine = await Engine.start({ LOCK_TIMEOUT_MS: String(lockTimeoutMs) });
  patient = await Engine.over(engine.url, { LOCK_TIMEOUT_MS: '20000' });
  // Does what a rule of the database may do: it writes, and then refuses with any SQLSTATE.
  await engine.session.query(`
    CREATE TABLE audit (id uuid);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO audit VALUES (NEW.id);
      IF NEW.properties ? 'sqlstate' THEN
        RAISE EXCEPTION USING ERRCODE = NEW.properties ->> 'sqlstate', MESSAGE = 'SELECT secret FROM records';
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER refuse AFTER UPDATE ON records FOR EACH ROW EXECUTE FUNCTION refuse()`);
});
afterAll(async () => {
  await patient.close();
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

async function scene(count: number): Promise<string[]> {
  teamId = randomUUID();
  return engine.insert(teamId, count);
}

function patches(ids: readonly string[]): PlanItem[] {
  return ids.map((id) => rename(id));
}

function fail(id: string, sqlstate: string): PlanItem {
  return { op: 'update', id, set: { sqlstate } };
}

async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const began = performance.now();
  const result = await work;
  return { result, ms: performance.now() - began };
}

describe('an item', () => {
  it('has a transaction of its own: what is done is seen while the next one waits', async () => {
    const ids = await scene(3);
    await engine.session.hold(teamId, ids.slice(1, 2));
    const running = patient.apply(batch(teamId, patches(ids)));
    await engine.waiting();
    expect(await engine.versions(teamId, ids)).toEqual([2, 1, 1]);
    await engine.session.release();
    expect(codesOf(await running)).toEqual(['ok', 'ok', 'ok']);
  });

  it('whose record is held costs the batch its own lock timeout, and its neighbours nothing', async () => {
    const ids = await scene(5);
    await engine.session.hold(teamId, ids.slice(2, 3));
    const { result, ms } = await timed(engine.apply(batch(teamId, patches(ids))));
    await engine.session.release();
    expect(codesOf(result)).toEqual(['ok', 'ok', 'locked', 'ok', 'ok']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 2, 1, 2, 2]);
    expect(ms).toBeGreaterThanOrEqual(lockTimeoutMs);
    expect(ms).toBeLessThan(3 * lockTimeoutMs);
    const seconds = result.outcomes.map((outcome) => outcome.seconds * 1000);
    expect(seconds[2]).toBeGreaterThanOrEqual(lockTimeoutMs);
    expect(Math.max(...seconds.filter((_, place) => place !== 2))).toBeLessThan(lockTimeoutMs);
  });

  it.each([
    ['23505', 'conflict', false],
    ['23P01', 'conflict', false],
    ['55P03', 'locked', true],
    ['40P01', 'locked', true],
    ['40001', 'locked', true],
    ['57014', 'not_attempted', true],
    ['53100', 'unavailable', true],
    ['58030', 'unavailable', true],
    ['22003', 'internal', true],
    ['23503', 'internal', true],
    ['XX000', 'internal', true],
    ['P0001', 'internal', true],
  ])('that fails with SQLSTATE %s is %s, and leaves nothing behind', async (sqlstate, code, retryable) => {
    const ids = await scene(3);
    const [first = '', second = '', third = ''] = ids;
    const result = await engine.apply(batch(teamId, [rename(first), fail(second, sqlstate), rename(third)]));

    // After a cancellation nothing more is begun.
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

  it.each(['internal', 'locked', 'conflict'])('that was %s is kept in the ledger only as an outcome', async (code) => {
    const sqlstate = { internal: 'XX000', locked: '55P03', conflict: '23505' }[code] ?? '';
    const [id = '', neighbour = ''] = await scene(2);
    const plan = batch(teamId, [fail(id, sqlstate), rename(neighbour)]);
    const key = newKey();
    expect(codesOf(await engine.apply(plan, key))).toEqual([code, 'ok']);
    expect(await engine.ledger(teamId)).toEqual(code === 'conflict' ? [1, 2] : [2]);

    await engine.session.query('ALTER TABLE records DISABLE TRIGGER refuse');
    const retry = await engine.apply(plan, retryOf(key));
    await engine.session.query('ALTER TABLE records ENABLE TRIGGER refuse');
    expect(codesOf(retry)).toEqual([code === 'conflict' ? 'conflict' : 'ok', 'ok']);
    expect(await engine.versions(teamId, [id, neighbour])).toEqual([code === 'conflict' ? 1 : 2, 2]);
  });

  it('with the id of a record that exists cannot be created', async () => {
    const [id = ''] = await scene(1);
    const create = { op: 'create', id, properties: { name: 'Twin' }, list: {}, extended: {} } as const;
    expect(codesOf(await engine.apply(batch(teamId, [create])))).toEqual(['conflict']);
    expect((await engine.stored(teamId)).get(id)).toMatchObject({ version: 1, properties: { name: 'Acme' } });
  });
});

describe('a batch', () => {
  it('is one statement on one connection', async () => {
    const ids = await scene(100);
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

  it('answers before its budget is spent: what is not begun is not_attempted', async () => {
    const ids = await scene(6);
    await engine.session.hold(teamId, ids.slice(1, 5));
    for (const key of [undefined, newKey()]) {
      // A call that took longer than its budget would have no outcomes: `apply` ends it then.
      const codes = codesOf(await engine.apply(batch(teamId, patches(ids)), key, 1_300));
      expect(codes.join()).toMatch(/^ok(,locked)+(,not_attempted)+$/);
    }
    await engine.session.release();
    expect(await engine.versions(teamId, ids)).toEqual([3, 1, 1, 1, 1, 1]);
  });

  it('spends what it waited for a connection out of its budget', async () => {
    const alone = await Engine.over(engine.url, { DATABASE_POOL_SIZE: '1', LOCK_TIMEOUT_MS: '500' });
    const ids = await scene(3);
    await engine.session.hold(teamId, ids.slice(0, 2));
    const inTheWay = alone.apply(batch(teamId, patches(ids.slice(0, 1))));
    const result = await alone.apply(batch(teamId, patches(ids)), undefined, 800);
    await engine.session.release();
    await inTheWay;
    await alone.close();
    // It waits 500 ms for the connection, and then for the first lock at most until its budget ends.
    expect(codesOf(result)).toEqual(['locked', 'not_attempted', 'not_attempted']);
  });

  it('without any budget attempts nothing', async () => {
    const ids = await scene(2);
    const work = batch(teamId, patches(ids));
    const outcome = await engine.apply(work, undefined, 1).then(codesOf, (error: unknown) => error);
    if (Array.isArray(outcome))
      expect(outcome).toEqual(expect.arrayContaining([expect.stringMatching(/^(not_attempted|outcome_unknown)$/)]));
    else expect(outcome).toMatchObject({ code: 'unavailable' });
  });

  it('with on_error stop attempts nothing after the first failure', async () => {
    const ids = await scene(3);
    const [first = '', second = '', third = ''] = ids;
    const items = [rename(first), rename(randomUUID()), rename(second), rename(third)];
    const result = await engine.apply(batch(teamId, items, { onError: 'stop' }));
    expect(codesOf(result)).toEqual(['ok', 'not_found', 'not_attempted', 'not_attempted']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 1, 1]);
  });

  it('with on_error rollback is one transaction, or nothing', async () => {
    const ids = await scene(3);
    const items = patches(ids);
    const doomed = batch(teamId, [...items, fail(ids[1] ?? '', 'XX000')], { onError: 'rollback' });
    expect(codesOf(await engine.apply(doomed))).toEqual(['rolled_back', 'rolled_back', 'rolled_back', 'internal']);
    expect(await engine.versions(teamId, ids)).toEqual([1, 1, 1]);
    expect(await engine.session.query('SELECT FROM audit')).toHaveLength(0);

    await engine.session.hold(teamId, ids.slice(1, 2));
    const running = patient.apply(batch(teamId, items, { onError: 'rollback' }));
    await engine.waiting();
    expect(await engine.versions(teamId, ids)).toEqual([1, 1, 1]);
    await engine.session.release();
    expect(codesOf(await running)).toEqual(['ok', 'ok', 'ok']);
    expect(await engine.versions(teamId, ids)).toEqual([2, 2, 2]);
  });

  it('of which any order is sent at once by many never ends in a deadlock', async () => {
    const ids = await scene(20);
    const forth = patches(ids);
    const back = forth.toReversed();
    const variants: [PlanItem[], Partial<BatchOptions>][] = [
      [forth, {}],
      [back, {}],
      [forth, { onError: 'rollback' }],
      [back, { onError: 'rollback' }],
      [back, { dryRun: true }],
    ];
    const before = await deadlocks();
    const results = await Promise.all(
      Array.from({ length: 10 }, () => variants)
        .flat()
        .map(([items, options]) => patient.apply(batch(teamId, items, options))),
    );
    expect(new Set(results.flatMap(codesOf))).toEqual(new Set(['ok']));
    expect(await engine.versions(teamId, ids)).toEqual(ids.map(() => 41));
    expect(await deadlocks()).toBe(before);
  });
});

describe('a dry run', () => {
  it('answers what would have been, and leaves nothing', async () => {
    const ids = await scene(2);
    const [first = '', second = ''] = ids;
    const items: PlanItem[] = [
      rename(second, 'A'),
      rename(first, 'B'),
      { op: 'update', id: second, if_match: '2', set: { name: 'C' } },
      { op: 'delete', id: second },
      rename(second, 'D'),
      { op: 'read', id: first },
    ];
    const dry = await engine.apply(batch(teamId, items, { dryRun: true }));
    const tags = entriesOf(dry).map((entry) => (JSON.parse(entry) as { etag?: string }).etag);
    expect(codesOf(dry)).toEqual(['ok', 'ok', 'ok', 'ok', 'not_found', 'ok']);
    expect(tags).toEqual(['"2"', '"2"', '"3"', '"4"', undefined, '"2"']);
    expect(await engine.versions(teamId, ids)).toEqual([1, 1]);
    expect(await engine.ledger(teamId)).toEqual([]);
    expect(await engine.session.query('SELECT FROM audit')).toHaveLength(0);

    // What it foretold is what happens.
    const real = await engine.apply(batch(teamId, items));
    expect(codesOf(real)).toEqual(codesOf(dry));
  });

  it.each([
    ['stop', ['ok', 'not_found', 'not_attempted']],
    ['rollback', ['rolled_back', 'not_found', 'rolled_back']],
  ] as const)('foretells on_error %s', async (onError, codes) => {
    const ids = await scene(2);
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
