import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppliedBatch, PlanItem } from '#libs/records';
import { batch, codesOf, Engine, entriesOf, newKey, rename, renames, retryOf } from '../support/engine';
import { etagOf } from '../support/etags';

/** Bytes. */
const recordLimit = 20_000;
const responseLimit = 100_000;
/** 6 bytes in JSON, 12 in jsonb, 326 in the text of a jsonb value. */
const tiny = 5e-324;

let engine: Engine;
let teamId: string;

beforeAll(async () => {
  engine = await Engine.start({
    RECORD_LIMIT_BYTES: String(recordLimit),
    RESPONSE_LIMIT_BYTES: String(responseLimit),
    LOCK_TIMEOUT_MS: '300',
  });
  teamId = randomUUID();
});
afterAll(() => engine.close());

function read(id: string): PlanItem {
  return { op: 'read', id };
}

function setExtended(id: string, values: number[]): PlanItem {
  return { op: 'update', id, default: null, list: null, extended: { set: { values }, clear: [] } };
}

function bytesOf(applied: AppliedBatch): number {
  return Buffer.byteLength(entriesOf(applied).join(''));
}

function omittedOf(applied: AppliedBatch): boolean[] {
  return entriesOf(applied).map((entry) => (JSON.parse(entry) as { record_omitted?: boolean }).record_omitted === true);
}

/** Records of about 18,000 bytes each: five of them fit into a response, the sixth does not. */
async function insertLarge(count: number): Promise<string[]> {
  const ids = await engine.insert(teamId, count);
  const applied = await engine.apply(
    batch(
      teamId,
      ids.map((id) =>
        setExtended(
          id,
          Array.from({ length: 55 }, () => tiny),
        ),
      ),
      { return: 'minimal' },
    ),
  );
  expect(codesOf(applied)).toEqual(ids.map(() => 'ok'));
  return ids;
}

describe('a record', () => {
  it('is measured by its text, which may be longer than in the request', async () => {
    const [id = ''] = await engine.insert(teamId, 1);
    const change = setExtended(
      id,
      Array.from({ length: 200 }, () => tiny),
    );
    expect(JSON.stringify(change).length).toBeLessThan(recordLimit / 10);
    expect(codesOf(await engine.apply(batch(teamId, [change])))).toEqual(['too_large']);
    expect(codesOf(await engine.apply(batch(teamId, [change, rename(id)])))).toEqual(['too_large', 'ok']);
    expect(await engine.versions(teamId, [id])).toEqual([2]);
  });

  it('is measured as a whole, whichever block a change affects', async () => {
    const [id = ''] = await insertLarge(1);
    expect(codesOf(await engine.apply(batch(teamId, [rename(id, 'x'.repeat(3_000))])))).toEqual(['too_large']);
    expect(codesOf(await engine.apply(batch(teamId, [rename(id, 'x'.repeat(3_000)), rename(id)])))).toEqual([
      ...['too_large', 'ok'],
    ]);
    expect(await engine.versions(teamId, [id])).toEqual([3]);
  });
});

describe('the records of a response', () => {
  it('end at the limit: later items are applied and their entries omit the record', async () => {
    const ids = await insertLarge(12);
    const applied = await engine.apply(renames(teamId, ids));
    expect(codesOf(applied)).toEqual(ids.map(() => 'ok'));
    expect(bytesOf(applied)).toBeLessThan(responseLimit);
    const omitted = omittedOf(applied);
    expect(omitted).toContain(false);
    expect(omitted).toContain(true);
    for (const entry of entriesOf(applied).filter((_, place) => omitted[place])) {
      expect(JSON.parse(entry)).toEqual({
        id: expect.any(String),
        status: 'ok',
        etag: etagOf(3),
        effect: 'updated',
        record_omitted: true,
      });
    }
    expect(await engine.versions(teamId, ids)).toEqual(ids.map(() => 3));
  });

  it('end at the limit for records that Postgres stores compressed, with the default limits', async () => {
    const defaults = await Engine.connect(engine.url);
    const ids = await defaults.insert(teamId, 100);
    const values = Array.from({ length: 1_590 }, () => tiny); // 518 KB as text, some 400 bytes compressed
    await defaults.apply(
      batch(
        teamId,
        ids.map((id) => setExtended(id, values)),
        { return: 'minimal' },
      ),
    );
    const key = newKey();
    for (const applied of [
      await defaults.apply(renames(teamId, ids)),
      await defaults.apply(renames(teamId, ids), key),
    ]) {
      expect(codesOf(applied)).toEqual(ids.map(() => 'ok'));
      expect(bytesOf(applied)).toBeLessThan(16 * 2 ** 20);
      expect(omittedOf(applied).filter((omitted) => !omitted).length).toBeGreaterThan(20);
    }
    await defaults.close();
  });

  it('end at the limit for a record that exceeds it since before the limit was set', async () => {
    const [id = ''] = await engine.insert(teamId, 1);
    await engine.session.query(`UPDATE records SET extended = '{"a": "${'x'.repeat(200_000)}"}' WHERE id = $1`, [id]);
    const applied = await engine.apply(batch(teamId, [read(id), rename(id), { op: 'delete', id }]));
    expect(codesOf(applied)).toEqual(['ok', 'too_large', 'ok']);
    expect(omittedOf(applied)).toEqual([true, false, true]);
  });

  it.each(['continue', 'stop', 'rollback'] as const)(
    'are omitted again in a replay (on_error: %s)',
    async (onError) => {
      const ids = await insertLarge(8);
      const plan = renames(teamId, ids, { onError });
      const key = newKey();
      const original = await engine.apply(plan, key);
      expect(omittedOf(original)).toContain(true);
      const replay = await engine.apply(plan, retryOf(key));
      expect(replay.state).toBe('replayed');
      expect(entriesOf(replay)).toEqual(entriesOf(original));
    },
  );

  it('include those that an earlier attempt stored', async () => {
    const ids = await insertLarge(8);
    const plan = renames(teamId, ids);
    const key = newKey();
    await engine.session.hold(teamId, ids.slice(7));
    expect(codesOf(await engine.apply(plan, key)).at(-1)).toBe('locked');
    await engine.session.release();
    const resumed = await engine.apply(plan, retryOf(key));
    expect(codesOf(resumed)).toEqual(ids.map(() => 'ok'));
    expect(omittedOf(resumed).at(-1)).toBe(true);
    expect(bytesOf(resumed)).toBeLessThan(responseLimit);
  });
});

describe('the ledger', () => {
  async function storedBytes(key: { keyHash: Buffer }): Promise<number> {
    const [row] = await engine.session.query<{ bytes: number }>(
      `SELECT COALESCE(sum(octet_length(o.entries)), 0)::integer AS bytes
         FROM idempotency_outcomes AS o JOIN idempotency_requests AS q ON q.team_id = o.team_id AND q.id = o.request_id
        WHERE q.key_hash = $1`,
      [key.keyHash],
    );
    return row?.bytes ?? -1;
  }

  it('stores a record that a request reads many times once per version and effect', async () => {
    const [id = ''] = await insertLarge(1);
    const key = newKey();
    const plan = batch(teamId, [read(id), read(id), rename(id), read(id), read(id)]);
    const original = await engine.apply(plan, key);
    expect(codesOf(original)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(omittedOf(original)).not.toContain(true);
    expect(await storedBytes(key)).toBeLessThan(3.1 * 18_500);
    const replay = await engine.apply(plan, retryOf(key));
    expect(replay.state).toBe('replayed');
    expect(entriesOf(replay)).toEqual(entriesOf(original));
  });

  it('stores at most the response limit per request', async () => {
    const ids = await insertLarge(20);
    const key = newKey();
    await engine.apply(batch(teamId, [...ids, ...ids].map(read)), key);
    expect(await storedBytes(key)).toBeLessThan(responseLimit);
  });

  it('stores no record of a batch that returns none', async () => {
    const ids = await insertLarge(3);
    const key = newKey();
    await engine.apply(batch(teamId, ids.map(read), { return: 'minimal' }), key);
    expect(await storedBytes(key)).toBeLessThan(125 * ids.length);
  });
});

describe('an operator on a list of values', () => {
  it('does not compare each element with all others', async () => {
    const [row] = await engine.session.query<{ prosrc: string }>(
      "SELECT prosrc FROM pg_proc WHERE proname = 'apply_operator'",
    );
    const body = (row?.prosrc ?? '')
      .replaceAll('p_current', `'["a"]'::jsonb`)
      .replaceAll('p_operator', `'{"op": "remove", "values": ["a"]}'::jsonb`);
    const plan = await engine.session.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${body}`);
    const lines = plan.map((line) => line['QUERY PLAN']).join('\n');
    expect(lines).toMatch(/Aggregate/);
    expect(lines).not.toMatch(/Nested Loop|SubPlan|@>/);
  });
});
