import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerKey } from '#libs/idempotency';
import type { AppliedBatch, PlanItem } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, renames, retryOf, sha256 } from '../support/engine';
import { Session } from '../support/session';

const connections = 20;

let engine: Engine;
/** An engine on the same database with a long lock timeout. */
let longTimeout: Engine;
let teamId: string;

beforeAll(async () => {
  engine = await Engine.start({ DATABASE_POOL_SIZE: String(connections), LOCK_TIMEOUT_MS: '300' });
  longTimeout = await Engine.connect(engine.url, { DATABASE_POOL_SIZE: String(connections), LOCK_TIMEOUT_MS: '20000' });
  teamId = randomUUID();
});
afterAll(async () => {
  await longTimeout.close();
  await engine.close();
});

function replayedOf({ outcomes }: AppliedBatch): boolean[] {
  return outcomes.map(({ replayed }) => replayed);
}

/** The `retryable` of each entry; undefined for an applied item. */
function retryableOf(applied: AppliedBatch): (boolean | undefined)[] {
  return entriesOf(applied).map((entry) => (JSON.parse(entry) as { error?: { retryable: boolean } }).error?.retryable);
}

/** Makes the first attempt older by an interval and its ledger rows by a number of days. */
async function age(key: LedgerKey, interval: string, days: number): Promise<void> {
  const first = `(SELECT day FROM idempotency_requests WHERE key_hash = $1)`;
  await engine.session.query(`SELECT ensure_ledger_partition(${first} - $2::integer)`, [key.keyHash, days]);
  await engine.session.query(
    `UPDATE idempotency_outcomes SET day = day - $2::integer
      WHERE request_id = (SELECT id FROM idempotency_requests WHERE key_hash = $1)`,
    [key.keyHash, days],
  );
  await engine.session.query(
    `UPDATE idempotency_requests
        SET day = day - $2::integer, created_at = (created_at AT TIME ZONE 'UTC' - $3::interval) AT TIME ZONE 'UTC'
      WHERE key_hash = $1`,
    [key.keyHash, days, interval],
  );
}

describe('a batch with a key', () => {
  it('is applied once by 50 concurrent identical requests', async () => {
    const ids = await engine.insert(teamId, 10);
    const key = newKey();
    const missing = { op: 'delete', id: randomUUID() } as const;
    const plan = batch(teamId, [...ids.map((id) => rename(id)), missing]);

    // Every connection executes it at the same time.
    await engine.session.hold(teamId, ids.slice(0, 1));
    const running = Array.from({ length: 50 }, () => longTimeout.apply(plan, retryOf(key)));
    await engine.waitingBackends(connections);
    await engine.session.release();
    const responses = await Promise.all(running);

    expect(await engine.versions(teamId, ids)).toEqual(ids.map(() => 2));
    for (const response of responses) expect(entriesOf(response)).toEqual(entriesOf(responses[0] ?? response));
    const effects = responses.flatMap(({ outcomes }) => outcomes).filter(({ replayed }) => !replayed);
    expect(effects).toHaveLength(plan.items.length);
    // All responses name the same completing attempt.
    expect(new Set(responses.map(({ completedBy }) => completedBy))).toHaveProperty('size', 1);
  });

  it('is applied once by concurrent identical requests with on_error rollback', async () => {
    const ids = await engine.insert(teamId, 10);
    const key = newKey();
    const plan = renames(teamId, ids, { onError: 'rollback' });

    await engine.session.hold(teamId, ids.slice(0, 1));
    const running = Array.from({ length: connections }, () => longTimeout.apply(plan, retryOf(key)));
    await engine.waitingBackends(connections);
    await engine.session.release();
    const responses = await Promise.all(running);

    expect(await engine.versions(teamId, ids)).toEqual(ids.map(() => 2));
    for (const response of responses) expect(entriesOf(response)).toEqual(entriesOf(responses[0] ?? response));
    const effects = responses.flatMap(({ outcomes }) => outcomes).filter(({ replayed }) => !replayed);
    expect(effects).toHaveLength(plan.items.length);
  });

  it('creates one record by concurrent identical creates', async () => {
    const key = newKey();
    const create = (): PlanItem => ({ op: 'create', id: randomUUID(), properties: { key: 1 }, list: {}, extended: {} });
    const own = randomUUID();
    const holder = await Session.ofTeam(engine.url, own);
    await holder.lockTable('records', own, 'SHARE');
    const running = Array.from({ length: connections }, () => longTimeout.apply(batch(own, [create()]), retryOf(key)));
    await engine.waitingBackends(connections);
    await holder.close();
    const responses = await Promise.all(running);
    expect(await engine.stored(own)).toHaveProperty('size', 1);
    expect(new Set(responses.flatMap(entriesOf))).toHaveProperty('size', 1);
  });

  it('stores final failures, and executes retryable items again', async () => {
    const own = randomUUID();
    const [first, held, later] = await engine.insert(own, 3);
    const missing = randomUUID();
    const items = [first, held, missing, later].map((id) => rename(id ?? ''));
    const key = newKey();

    await engine.session.hold(own, [held ?? '']);
    const attempt = await engine.apply(batch(own, items), key);
    await engine.session.release();
    expect(codesOf(attempt)).toEqual(['ok', 'locked', 'not_found', 'ok']);
    expect(await engine.settledItems(own)).toEqual([1, 3, 4]);
    expect(attempt.completedBy).toBeUndefined();

    // The missing record is created, but the outcome of the item is stored.
    await engine.session.query("INSERT INTO records (team_id, id, object_type) VALUES ($1, $2, 'organization')", [
      own,
      missing,
    ]);
    const retry = await engine.apply(batch(own, items), retryOf(key));
    expect(codesOf(retry)).toEqual(['ok', 'ok', 'not_found', 'ok']);
    expect(replayedOf(retry)).toEqual([true, false, true, true]);
    expect(retry.state).toBe('resumed');
    expect(await engine.versions(own, [first ?? '', held ?? '', missing, later ?? ''])).toEqual([2, 2, 1, 2]);

    const replay = await engine.apply(batch(own, items), retryOf(key));
    expect(replay).toMatchObject({ state: 'replayed', completedBy: retry.completedBy });
    expect(entriesOf(replay)).toEqual(entriesOf(retry));
  });

  it('that was rolled back is complete after a final failure, and executed again after a retryable one', async () => {
    const own = randomUUID();
    const ids = await engine.insert(own, 2);
    const [first = '', second = ''] = ids;
    const options = { onError: 'rollback' } as const;

    const failed = newKey();
    const failing = batch(own, [rename(first), rename(randomUUID()), rename(second)], options);
    const attempt = await engine.apply(failing, failed);
    expect(codesOf(attempt)).toEqual(['rolled_back', 'not_found', 'rolled_back']);
    expect(retryableOf(attempt)).toEqual([false, false, false]);
    expect(attempt.completedBy).toBe(failed.requestId);
    const replay = await engine.apply(failing, retryOf(failed));
    expect(replay).toMatchObject({ state: 'replayed', completedBy: failed.requestId });
    expect(entriesOf(replay)).toEqual(entriesOf(attempt));
    expect(await engine.versions(own, ids)).toEqual([1, 1]);

    const held = newKey();
    const valid = batch(own, [rename(first), rename(second)], options);
    await engine.session.hold(own, [second]);
    const locked = await engine.apply(valid, held);
    expect(codesOf(locked)).toEqual(['rolled_back', 'locked']);
    expect(retryableOf(locked)).toEqual([true, true]);
    await engine.session.release();
    expect(codesOf(await engine.apply(valid, retryOf(held)))).toEqual(['ok', 'ok']);
    expect(await engine.versions(own, ids)).toEqual([2, 2]);
  });

  it('with on_error rollback reports every invalid item, and stops at the first failure in the database', async () => {
    const own = randomUUID();
    const ids = await engine.insert(own, 2);
    const invalid: PlanItem = { op: 'reject', id: null, code: 'invalid_item', error: JSON.stringify({ code: 'x' }) };
    const items = [invalid, ...ids.map((id) => rename(id)), invalid];
    const options = { onError: 'rollback' } as const;
    expect(codesOf(await engine.apply(batch(own, items, options)))).toEqual([
      ...['invalid_item', 'rolled_back', 'rolled_back', 'invalid_item'],
    ]);
    const missing = [randomUUID(), randomUUID()].sort().map((id) => rename(id));
    expect(codesOf(await engine.apply(batch(own, missing, options)))).toEqual(['not_found', 'rolled_back']);
    expect(await engine.versions(own, ids)).toEqual([1, 1]);
  });

  it('that was stopped by a final failure is complete, whichever attempt found it', async () => {
    const own = randomUUID();
    const ids = await engine.insert(own, 3);
    const [first = '', second = '', third = ''] = ids;
    const plan = batch(own, [rename(first), rename(randomUUID()), rename(second), rename(third)], { onError: 'stop' });
    const key = newKey();

    await engine.session.hold(own, [first]);
    const running = Array.from({ length: 5 }, () => longTimeout.apply(plan, retryOf(key)));
    await engine.waitingBackends(5);
    await engine.session.release();
    const attempts = await Promise.all(running);

    for (const attempt of attempts) {
      expect(codesOf(attempt)).toEqual(['ok', 'not_found', 'not_attempted', 'not_attempted']);
      expect(retryableOf(attempt)).toEqual([undefined, false, false, false]);
      expect(entriesOf(attempt)).toEqual(entriesOf(attempts[0] ?? attempt));
    }
    expect(new Set(attempts.map(({ completedBy }) => completedBy))).toHaveProperty('size', 1);
    expect((await engine.apply(plan, retryOf(key))).state).toBe('replayed');
    expect(await engine.versions(own, ids)).toEqual([2, 1, 1]);
  });

  it('that was stopped by a retryable failure resumes there', async () => {
    const own = randomUUID();
    const ids = await engine.insert(own, 4);
    const key = newKey();
    const plan = renames(own, ids, { onError: 'stop' });
    await engine.session.hold(own, ids.slice(1, 2));
    expect(codesOf(await engine.apply(plan, key))).toEqual(['ok', 'locked', 'not_attempted', 'not_attempted']);
    await engine.session.release();
    expect(codesOf(await engine.apply(plan, retryOf(key)))).toEqual(['ok', 'ok', 'ok', 'ok']);
    expect(await engine.versions(own, ids)).toEqual([2, 2, 2, 2]);
  });

  it('is applied again with the same key of another client', async () => {
    const own = randomUUID();
    const ids = await engine.insert(own, 1);
    const key = newKey();
    const plan = renames(own, ids);
    await engine.apply(plan, key);
    await engine.apply(plan, { ...key, clientId: randomUUID() });
    expect(await engine.versions(own, ids)).toEqual([3]);
  });

  it('replays an entry larger than a page byte for byte', async () => {
    const [id = ''] = await engine.insert(teamId, 1);
    const key = newKey();
    const plan = batch(teamId, [rename(id, randomBytes(150_000).toString('base64'))]);
    const original = await engine.apply(plan, key);
    expect(entriesOf(original)[0]?.length).toBeGreaterThan(200_000);
    const replay = await engine.apply(plan, retryOf(key));
    expect(replay.state).toBe('replayed');
    expect(entriesOf(replay)).toEqual(entriesOf(original));
  });
});

describe('a key', () => {
  it('of another request is rejected, and the original is still replayed', async () => {
    const [id = ''] = await engine.insert(teamId, 1);
    const key = newKey();
    const original = await engine.apply(batch(teamId, [rename(id)]), key);
    const other = { ...retryOf(key), fingerprint: sha256('another request') };
    await expect(engine.apply(batch(teamId, [rename(id, 'Else')]), other)).rejects.toMatchObject({
      code: 'idempotency_key_mismatch',
    });
    expect(entriesOf(await engine.apply(batch(teamId, [rename(id)]), retryOf(key)))).toEqual(entriesOf(original));
    expect(await engine.versions(teamId, [id])).toEqual([2]);
  });

  it('keeps the day of its first attempt when the request resumes after midnight', async () => {
    const own = randomUUID();
    const ids = await engine.insert(own, 3);
    const key = newKey();
    const plan = renames(own, ids);
    await engine.session.hold(own, ids.slice(1, 2));
    await engine.apply(plan, key);
    await engine.session.release();
    await age(key, '2 hours', 1);

    const retry = await engine.apply(plan, retryOf(key));
    expect(replayedOf(retry)).toEqual([true, false, true]);
    expect(await engine.versions(own, ids)).toEqual([2, 2, 2]);
    expect(
      await engine.session.query(
        `SELECT o.day = q.day AS same
           FROM idempotency_outcomes AS o JOIN idempotency_requests AS q ON q.team_id = o.team_id AND q.id = o.request_id
          WHERE q.team_id = $1`,
        [own],
      ),
    ).toEqual([{ same: true }]);
  });

  it('is stale after its lifetime, with any request, and new again 7 days later', async () => {
    const own = randomUUID();
    const [id = ''] = await engine.insert(own, 1);
    const key = newKey();
    const plan = batch(own, [rename(id)]);
    await engine.apply(plan, key);

    await age(key, '23 hours 59 minutes', 1);
    expect((await engine.apply(plan, retryOf(key))).state).toBe('replayed');
    await age(key, '2 minutes', 0);
    for (const fingerprint of [key.fingerprint, sha256('another request')]) {
      await expect(engine.apply(plan, { ...retryOf(key), fingerprint })).rejects.toMatchObject({
        code: 'idempotency_key_stale',
      });
    }
    await age(key, '6 days 23 hours 58 minutes', 7);
    await expect(engine.apply(plan, retryOf(key))).rejects.toMatchObject({ code: 'idempotency_key_stale' });
    expect(await engine.versions(own, [id])).toEqual([2]);

    await age(key, '2 minutes', 0);
    const fresh = await engine.apply(plan, { ...retryOf(key), fingerprint: sha256('another request') });
    expect(fresh.state).toBe('executed');
    expect(await engine.versions(own, [id])).toEqual([3]);
  });

  it('creates new records when it is new again', async () => {
    const own = randomUUID();
    const items = (): PlanItem[] =>
      ['one', 'two'].map((name) => ({
        ...{ op: 'create', id: randomUUID(), properties: { name }, list: {}, extended: {} },
      }));
    const key = newKey();
    const created = await engine.apply(batch(own, items()), key);
    await age(key, '9 days', 9);
    const again = await engine.apply(batch(own, items()), retryOf(key));
    for (const applied of [created, again]) expect(codesOf(applied)).toEqual(['ok', 'ok']);
    expect(await engine.stored(own)).toHaveProperty('size', 4);
  });
});

describe('the partition of a day', () => {
  it('is created once by concurrent calls', async () => {
    for (let day = 1; day <= 9; day += 1) {
      const calls = Array.from({ length: 20 }, () =>
        engine.database.query(`SELECT ensure_ledger_partition('2031-05-0${day}')`),
      );
      await Promise.all(calls);
    }
    const partitions = await engine.session.query(
      "SELECT FROM pg_inherits WHERE inhparent = 'idempotency_outcomes'::regclass AND inhrelid::regclass::text LIKE '%203105%'",
    );
    expect(partitions).toHaveLength(9);
  });

  it('is not needed by a batch: its outcomes go to the default partition, and from there to the partition', async () => {
    const other = await Engine.start();
    const today = "(now() AT TIME ZONE 'UTC')::date";
    const rowsIn = async (table: string): Promise<number> => (await other.session.query(`SELECT FROM ${table}`)).length;
    const [partition = { name: '' }] = await other.session.query<{ name: string }>(
      `SELECT 'idempotency_outcomes_' || to_char(${today}, 'YYYYMMDD') AS name`,
    );
    await other.session.query(`DROP TABLE IF EXISTS ${partition.name}`);
    const own = randomUUID();
    const ids = await other.insert(own, 2);
    const key = newKey();
    const plan = renames(own, ids);
    const attempt = await other.apply(plan, key);
    expect(codesOf(attempt)).toEqual(['ok', 'ok']);
    expect(await rowsIn('idempotency_outcomes_default')).toBe(1);

    expect(await other.session.query(`SELECT ensure_ledger_partition(${today}) AS step`)).toEqual([{ step: 'done' }]);
    expect(await rowsIn('idempotency_outcomes_default')).toBe(0);
    expect(await rowsIn(partition.name)).toBe(1);
    expect(entriesOf(await other.apply(plan, retryOf(key)))).toEqual(entriesOf(attempt));
    await other.close();
  });

  it('is created while batches write to other days', async () => {
    const own = randomUUID();
    const [written = '', held = ''] = await engine.insert(own, 2);
    await engine.session.hold(own, [held]);
    const running = longTimeout.apply(batch(own, [rename(written), rename(held)]), newKey());
    await engine.waitingBackends();
    await engine.database.query("SELECT ensure_ledger_partition('2031-06-01')");
    await engine.session.release();
    expect(codesOf(await running)).toEqual(['ok', 'ok']);
  });
});
