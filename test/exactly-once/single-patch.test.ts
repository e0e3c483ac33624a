import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlanItem } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, retryOf } from '../support/engine';

/* A patch of one record with a key: one statement, and apply_batch if that changes nothing. */

let engine: Engine;
let teamId: string;
let id: string;

beforeAll(async () => {
  engine = await Engine.start({ RECORD_LIMIT_BYTES: '20000' });
  teamId = randomUUID();
  [id = ''] = await engine.insert(teamId, 1);
});
afterAll(() => engine.close());

describe('a patch of one record with a key', () => {
  it('is applied once by concurrent attempts, which all return its outcome', async () => {
    const [record = ''] = await engine.insert(teamId, 1);
    const key = newKey();
    const attempts = Array.from({ length: 12 }, () => engine.apply(batch(teamId, [rename(record)]), retryOf(key)));
    const applied = await Promise.all(attempts);
    expect(new Set(applied.map((each) => entriesOf(each).join('')))).toHaveProperty('size', 1);
    expect(applied.filter(({ state }) => state === 'executed')).toHaveLength(1);
    expect(new Set(applied.map(({ completedBy }) => completedBy))).toHaveProperty('size', 1);
    expect(await engine.versions(teamId, [record])).toEqual([2]);
  });

  it.each<[string, () => PlanItem]>([
    ['not_found', () => rename(randomUUID())],
    ['precondition_failed', () => ({ op: 'update', id, if_match: '1-0', set: { name: 'A' } })],
    ['too_large', () => rename(id, 'x'.repeat(20_000))],
  ])('has %s as its final outcome, which retries replay', async (code, itemOf) => {
    const plan = batch(teamId, [itemOf()]);
    const key = newKey();
    const first = await engine.apply(plan, key);
    const retry = await engine.apply(plan, retryOf(key));
    expect([codesOf(first), codesOf(retry), retry.state]).toEqual([[code], [code], 'replayed']);
    expect(entriesOf(retry)).toEqual(entriesOf(first));
    expect(await engine.versions(teamId, [id])).toEqual([1]);
  });

  it('fails if another change of the record, for which it waits, makes its condition false', async () => {
    const [record = ''] = await engine.insert(teamId, 1);
    const etag = (await engine.etags(teamId)).get(record) ?? '';
    await engine.session.hold(teamId, [record]);
    const item = { op: 'update', id: record, if_match: etag, set: { name: 'A' } } as const;
    const applied = engine.apply(batch(teamId, [item]), newKey());
    await engine.waitingBackends();
    await engine.session.query('UPDATE records SET version = 2 WHERE team_id = $1 AND id = $2', [teamId, record]);
    await engine.session.query('COMMIT');
    expect(codesOf(await applied)).toEqual(['precondition_failed']);
    expect(await engine.versions(teamId, [record])).toEqual([2]);
  });
});
