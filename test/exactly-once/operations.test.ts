import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { itemError } from '#libs/errors';
import { type AppliedBatch, type Plan, type PlanItem, planReject } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf } from '../support/engine';

/*
 * Creates, increments, restores and skipped updates in keyed batches that are interrupted: each is applied once, and a resume
 * returns the created ids and the effects of the attempts before.
 */

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.start({ DATABASE_POOL_SIZE: '4', LOCK_TIMEOUT_MS: '20000' });
});
afterAll(() => engine.close());

const create = (name: string): PlanItem => ({
  ...{ op: 'create', id: randomUUID(), properties: { name }, list: {}, extended: {} },
});

function increment(id: string, by: number): PlanItem {
  const ops = { score: { op: 'increment', by, field: '.default.score' } } as const;
  return { op: 'update', id, default: { set: null, clear: null, ops }, list: null, extended: null };
}

function skippable(id: string, name: string): PlanItem {
  const block = { set: { name }, clear: null, ops: null };
  return { op: 'update', id, default: block, list: null, extended: null, skip_unchanged: true };
}

/** The plan of another attempt: the gateway makes new ids. */
function again(plan: Plan): Plan {
  return { ...plan, items: plan.items.map((item) => (item.op === 'create' ? { ...item, id: randomUUID() } : item)) };
}

function parsed(applied: AppliedBatch): { id: string; effect: string; etag?: string }[] {
  return entriesOf(applied).map((entry) => JSON.parse(entry) as { id: string; effect: string });
}

async function fixture(): Promise<{ teamId: string; one: string; other: string; plan: Plan }> {
  const teamId = randomUUID();
  const [one = '', other = ''] = await engine.insert(teamId, 2);
  const items = [
    create('first'),
    increment(one, 2.5),
    { op: 'restore', id: one } as const,
    skippable(one, 'Acme'),
    { op: 'read', id: one } as const,
    increment(other, 1),
    create('second'),
    increment(one, 10),
    { op: 'delete', id: other } as const,
    { op: 'restore', id: other } as const,
  ];
  return { teamId, one, other, plan: batch(teamId, items) };
}

const effects = [
  ...['created', 'updated', 'unchanged', 'unchanged', 'unchanged'],
  ...['updated', 'created', 'updated', 'deleted', 'restored'],
];

async function expectAppliedOnce(teamId: string, one: string, other: string, applied: AppliedBatch): Promise<void> {
  expect(codesOf(applied)).toEqual(Array(10).fill('ok'));
  const results = parsed(applied);
  expect(results.map(({ effect }) => effect)).toEqual(effects);
  const stored = await engine.stored(teamId);
  expect([...stored.values()].map(({ properties }) => properties.name).sort()).toEqual([
    ...['Acme', 'Acme', 'first', 'second'],
  ]);
  expect([stored.get(results[0]?.id ?? ''), stored.get(results[6]?.id ?? '')]).toMatchObject([
    { version: 1, properties: { name: 'first' } },
    { version: 1, properties: { name: 'second' } },
  ]);
  expect(stored.get(one)).toMatchObject({ version: 3, properties: { score: 12.5 } });
  expect(stored.get(other)).toMatchObject({ version: 4, deleted: false, properties: { score: 1 } });
}

describe('a keyed batch of all operations', () => {
  it('is completed by a retry after the first attempt was terminated in the middle', async () => {
    const { teamId, one, other, plan } = await fixture();
    const key = newKey();
    await engine.session.hold(teamId, [other]);
    const running = engine.apply(plan, key);
    await engine.terminateWaiting();
    expect(codesOf(await running)).toEqual(Array(10).fill('unavailable'));
    expect(parsed(await running).map(({ id }) => id)[0]).toBeNull();
    await engine.session.release();

    const retry = await engine.apply(again(plan), retryOf(key));
    expect(retry.state).toBe('resumed');
    expect(retry.outcomes.map(({ replayed }) => replayed)).toEqual([
      ...Array<boolean>(5).fill(true),
      ...Array<boolean>(5).fill(false),
    ]);
    await expectAppliedOnce(teamId, one, other, retry);
    const replay = await engine.apply(again(plan), retryOf(key));
    expect(entriesOf(replay)).toEqual(entriesOf(retry));
    await expectAppliedOnce(teamId, one, other, replay);
  });

  it('is applied once by two attempts at once', async () => {
    const { teamId, one, other, plan } = await fixture();
    const key = newKey();
    await engine.session.hold(teamId, [one]);
    const attempts = [engine.apply(plan, key), engine.apply(again(plan), retryOf(key))];
    await engine.waitingBackends(2);
    await engine.session.release();
    const [first, second] = await Promise.all(attempts);
    for (const applied of [first, second]) {
      if (applied) await expectAppliedOnce(teamId, one, other, applied);
    }
  });

  it('returns the id and the effect of a record that was deleted before the resume', async () => {
    const teamId = randomUUID();
    const [one = '', other = ''] = await engine.insert(teamId, 2);
    const plan = batch(teamId, [create('first'), { op: 'restore', id: one }, rename(other)]);
    const key = newKey();
    await engine.session.hold(teamId, [other]);
    const running = engine.apply(plan, key);
    await engine.terminateWaiting();
    await running;
    await engine.session.release();
    const [created] = await engine.session.query<{ id: string }>(
      `UPDATE records SET deleted_at = now() WHERE team_id = $1 AND properties ->> 'name' = 'first' RETURNING id`,
      [teamId],
    );
    await engine.session.query('UPDATE records SET deleted_at = now() WHERE team_id = $1 AND id = $2', [teamId, one]);
    const retry = await engine.apply(again(plan), retryOf(key));
    expect(parsed(retry).slice(0, 2)).toEqual([
      { id: created?.id, status: 'ok', effect: 'created' },
      { id: one, status: 'ok', effect: 'unchanged' },
    ]);
  });
});

describe('a resume whose plan rejects what an earlier attempt has applied', () => {
  it('returns the ids and effects of that attempt, and stores a complete response', async () => {
    const { teamId, one, plan } = await fixture();
    const [last = ''] = await engine.insert(teamId, 1);
    const match = { id: randomUUID(), slug: 'name', kind: 'text', value: 'Upserted' } as const;
    const upserted = create('Upserted');
    const upsert = { op: 'read', id: upserted.id, match, create: upserted } as PlanItem;
    const items = [...plan.items, upsert, { ...rename(one), ref: 'a' }, rename(last)];
    const key = newKey();
    await engine.session.hold(teamId, [last]);
    const running = engine.apply(batch(teamId, items), key);
    await engine.terminateWaiting();
    await running;
    await engine.session.release();

    // A property has become required since, for example. A rejected item has the id that the request has.
    const rejected = items.map((item): PlanItem => {
      const hasId = item.op !== 'create' && !('match' in item);
      const error = itemError('required_property');
      return { ...planReject(hasId ? item.id : null, error), ...(item.ref !== undefined && { ref: item.ref }) };
    });
    const retry = await engine.apply(batch(teamId, [...rejected.slice(0, -1), rename(last)]), retryOf(key));
    expect(codesOf(retry)).toEqual(Array(13).fill('ok'));
    const results = parsed(retry);
    expect(results.map(({ effect }) => effect)).toEqual([...effects, 'created', 'updated', 'updated']);
    expect(results[11]).toMatchObject({ id: one, ref: 'a', status: 'ok' });
    const stored = await engine.stored(teamId);
    expect([0, 6, 10].map((n) => stored.get(results[n]?.id ?? '')?.properties.name)).toEqual([
      ...['first', 'second', 'Upserted'],
    ]);
    expect(retry.completedBy).toBeDefined();
    expect(entriesOf(await engine.apply(batch(teamId, rejected), retryOf(key)))).toEqual(entriesOf(retry));
  });
});

describe('a batch without a key whose connection is lost', () => {
  it('names the id that a new record may have', async () => {
    const teamId = randomUUID();
    const [id = ''] = await engine.insert(teamId, 1);
    const plan = batch(teamId, [create('first'), rename(id)]);
    await engine.session.hold(teamId, [id]);
    const running = engine.apply(plan);
    await engine.terminateWaiting();
    const lost = await running;
    await engine.session.release();
    expect(codesOf(lost)).toEqual(['outcome_unknown', 'outcome_unknown']);
    const [first] = parsed(lost);
    expect((await engine.stored(teamId)).get(first?.id ?? '')).toMatchObject({ properties: { name: 'first' } });
  });
});

describe('max_failures', () => {
  it('counts the failures of earlier attempts, and is final when all of them are', async () => {
    const quick = await Engine.connect(engine.url, { LOCK_TIMEOUT_MS: '50' });
    try {
      const teamId = randomUUID();
      const ids = await engine.insert(teamId, 3);
      const [locked = '', second = '', third = ''] = ids;
      const missing = (): PlanItem => rename(randomUUID());
      const plan = batch(teamId, [missing(), rename(locked), rename(second), missing(), rename(third)], {
        maxFailures: 2,
      });
      const key = newKey();
      await engine.session.hold(teamId, [locked]);
      const first = await quick.apply(plan, key);
      await engine.session.release();
      expect(codesOf(first)).toEqual(['not_found', 'locked', 'not_attempted', 'not_attempted', 'not_attempted']);
      expect(entriesOf(first).at(-1)).toContain('"retryable":true');
      expect(first.completedBy).toBeUndefined();

      const retry = await quick.apply(plan, retryOf(key));
      expect(codesOf(retry)).toEqual(['not_found', 'ok', 'ok', 'not_found', 'not_attempted']);
      expect(entriesOf(retry).at(-1)).toContain('"retryable":false');
      expect(retry.completedBy).toBeDefined();
      expect(await engine.versions(teamId, ids)).toEqual([2, 2, 1]);
    } finally {
      await quick.close();
    }
  });
});
