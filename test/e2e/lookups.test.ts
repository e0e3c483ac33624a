import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { LookupBuilder, type LookupTarget } from '#libs/properties';
import type { PlanItem } from '#libs/records';
import { batch, codesOf, Engine } from '../support/engine';
import { defineProperty, lookupErrors, type LookupProperty, lookupState, setLookup } from '../support/lookups';

/*
 * The lookups of the database: kept up to date by every write, and built while others write.
 */

let engine: Engine;
let builder: LookupBuilder;
let teamId: string;
let property: LookupProperty;

beforeAll(async () => {
  engine = await Engine.start();
  builder = new LookupBuilder(engine.database, readSettings({ DATABASE_URL: engine.url }));
});
afterAll(() => engine.close());
beforeEach(async () => {
  teamId = randomUUID();
  property = await defineProperty(engine.session, teamId);
});

function targets(rest: Partial<LookupTarget> = {}): { lookups: LookupTarget[] } {
  const { id, slug, kind } = property;
  return { lookups: [{ id, slug, kind, ...rest }] };
}

function creation(value: string, rest?: Partial<LookupTarget>, id: string = randomUUID()): PlanItem {
  const content = { properties: { name: 'Acme', [property.slug]: value }, list: {}, extended: {} };
  return { op: 'create', id, ...content, ...targets(rest) };
}

function change(id: string, value: string | null, rest?: Partial<LookupTarget>): PlanItem {
  const block =
    value === null
      ? { set: null, clear: [property.slug], ops: null }
      : { set: { [property.slug]: value }, clear: null, ops: null };
  return { op: 'update', id, default: block, list: null, extended: null, ...targets(rest) };
}

/** Applies items. @returns the code of each */
async function apply(...items: PlanItem[]): Promise<string[]> {
  return codesOf(await engine.apply(batch(teamId, items)));
}

it('takes at most 1,024 locks for the values of a batch that is one transaction', async () => {
  // Postgres has room for some thousand locks of all its transactions.
  await engine.session.query('BEGIN');
  await engine.session.query('SELECT lock_lookups($1, ARRAY(SELECT jsonb_array_elements($2::jsonb)))', [
    teamId,
    JSON.stringify(Array.from({ length: 5_000 }, (_, n) => creation(`value ${n}`))),
  ]);
  const [row] = await engine.session.query<{ locks: number }>(
    "SELECT count(*)::integer AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
  );
  await engine.session.query('ROLLBACK');
  expect(row?.locks).toBeGreaterThan(0);
  expect(row?.locks).toBeLessThanOrEqual(1_024);
});

/** The ids of the records that the lookup has for a value. */
async function found(value: string): Promise<string[]> {
  const rows = await engine.session.query<{ id: string }>(
    `SELECT record_id AS id FROM record_lookups
      WHERE team_id = $1 AND property_id = $2 AND value_hash = lookup_hash($3, to_jsonb($4::text)) ORDER BY 1`,
    [teamId, property.id, property.kind, value],
  );
  return rows.map(({ id }) => id);
}

/** Does steps until there is nothing to do. @returns the states of the steps */
async function build(): Promise<string[]> {
  const states: string[] = [];
  for (let step = await builder.step(0); step !== undefined; step = await builder.step(0)) {
    states.push(step === 'busy' ? step : step.state);
  }
  return states;
}

describe('the rows of a lookup', () => {
  it('follow every change of a value', async () => {
    const id = randomUUID();
    expect(await apply(creation('a', {}, id))).toEqual(['ok']);
    expect(await found('a')).toEqual([id]);
    expect(await apply(change(id, 'b'), change(id, 'b'))).toEqual(['ok', 'ok']);
    expect([await found('a'), await found('b')]).toEqual([[], [id]]);
    expect(await apply(change(id, null), change(id, null))).toEqual(['ok', 'ok']);
    expect(await found('b')).toEqual([]);
    expect(await apply(change(id, 'c'), { op: 'delete', id })).toEqual(['ok', 'ok']);
    expect(await found('c')).toEqual([]);
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
  });

  it('do not change if the item fails or is a dry run', async () => {
    const id = randomUUID();
    await apply(creation('a', {}, id));
    const items = [change(id, 'b'), change(randomUUID(), 'c')];
    const rolledBack = await engine.apply(batch(teamId, items, { onError: 'rollback' }));
    expect(codesOf(rolledBack)).toEqual(['rolled_back', 'not_found']);
    expect(codesOf(await engine.apply(batch(teamId, items, { dryRun: true })))).toEqual(['ok', 'not_found']);
    expect(await found('a')).toEqual([id]);
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
  });

  it('exist for values that are longer than an index entry', async () => {
    const id = randomUUID();
    const long = 'x'.repeat(100_000);
    expect(await apply(creation(long, {}, id))).toEqual(['ok']);
    expect([await found(long), await found(`${long}y`)]).toEqual([[id], []]);
  });

  it('are equal for equal numbers and dates', async () => {
    const [row] = await engine.session.query(
      `SELECT lookup_hash('number', '1.50') = lookup_hash('number', '1.5') AS number,
              lookup_hash('date', '"2026-02-28"') = lookup_hash('date', '"2026-02-28T01:00:00+01:00"') AS date,
              lookup_hash('number', '"1.5"') IS NULL AND lookup_hash('date', '7') IS NULL
                AND lookup_hash('text', 'null') IS NULL AS none`,
    );
    expect(row).toEqual({ number: true, date: true, none: true });
  });
});

describe('a unique lookup', () => {
  const unique = { unique: true } as const;

  it('rejects a value that another live record has', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    expect(await apply(creation('a', unique, first), creation('a', unique), creation('b', unique, second))).toEqual([
      'ok',
      'conflict',
      'ok',
    ]);
    expect(await apply(change(second, 'a', unique), change(first, 'a', unique))).toEqual(['conflict', 'ok']);
    expect(await apply({ op: 'delete', id: first }, change(second, 'a', unique))).toEqual(['ok', 'ok']);
    expect(await found('a')).toEqual([second]);
  });

  it('admits one of many concurrent writers of a value', async () => {
    for (let round = 0; round < 5; round += 1) {
      const value = `v${round}`;
      const codes = await Promise.all(Array.from({ length: 12 }, () => apply(creation(value, unique))));
      expect(codes.flat().sort()).toEqual([...Array<string>(11).fill('conflict'), 'ok']);
      expect(await found(value)).toHaveLength(1);
    }
  });

  it('does not deadlock transactions that set the same values in different orders', async () => {
    const values = Array.from({ length: 20 }, (_, n) => `v${n}`);
    const one = (order: string[]): Promise<string[]> =>
      engine
        .apply(
          batch(
            teamId,
            order.map((value) => creation(value)),
            { onError: 'rollback' },
          ),
        )
        .then(codesOf);
    const codes = await Promise.all(
      Array.from({ length: 8 }, (_, n) => one(n % 2 === 0 ? values : [...values].reverse())),
    );
    expect(new Set(codes.flat())).toEqual(new Set(['ok']));
    expect(await found('v3')).toHaveLength(8);
  });

  it('fails only the items whose values another transaction has locked', async () => {
    const other = await Engine.connect(engine.url, { LOCK_TIMEOUT_MS: '50' });
    await engine.session.query('BEGIN');
    await engine.session.query("SELECT pg_advisory_xact_lock(lookup_lock_key($1, $2, lookup_hash('text', '\"b\"')))", [
      teamId,
      property.id,
    ]);
    const items = ['a', 'b', 'c'].map((value) => creation(value, unique));
    const codes = async (options: object): Promise<string[]> =>
      codesOf(await other.apply(batch(teamId, items, options)));
    expect(await codes({ dryRun: true })).toEqual(['ok', 'locked', 'ok']);
    expect(await codes({ onError: 'rollback' })).toEqual(expect.arrayContaining(['locked', 'rolled_back']));
    expect(await codes({})).toEqual(['ok', 'locked', 'ok']);
    await engine.session.query('ROLLBACK');
    await other.close();
  });
});

describe('building a lookup', () => {
  /** Inserts records whose values no gateway has stored in the lookup. */
  async function insert(count: number, valueOf = "'old-' || n"): Promise<void> {
    await engine.session.query(
      `INSERT INTO records (team_id, id, object_type, properties, deleted_at)
       SELECT $1, gen_random_uuid(), 'organization', jsonb_strip_nulls(jsonb_build_object('name', 'Acme', $3::text, CASE WHEN n % 5 > 0 THEN ${valueOf} END)),
              CASE WHEN n % 7 = 0 THEN now() END
         FROM generate_series(1, $2::integer) AS n`,
      [teamId, count, property.slug],
    );
  }

  it('waits until no gateway writes by the definition before', async () => {
    await insert(10);
    await setLookup(engine.session, teamId, property, 'indexed');
    expect(await builder.step()).toBeUndefined();
    await engine.session.query(
      "UPDATE property_definitions SET lookup_since = now() - interval '46 s' WHERE id = $1", // 5 s + 30 s + 10 s
      [property.id],
    );
    expect(await builder.step()).toMatchObject({ propertyId: property.id, state: 'building', handled: 10 });
    expect(await build()).toEqual(['ready']);
  });

  it('adds the values of all live records, in steps that any worker can continue', async () => {
    await insert(1_700);
    await setLookup(engine.session, teamId, property, 'indexed');
    const another = new LookupBuilder(engine.database, readSettings({ DATABASE_URL: engine.url }));
    expect(await builder.step(0)).toMatchObject({ state: 'building', handled: 500 });
    expect(await another.step(0)).toMatchObject({ state: 'building', handled: 500 });
    expect(await build()).toEqual(['building', 'building', 'ready']);
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
    expect(await lookupState(engine.session, property)).toBe('ready');
  });

  it('has exact rows although others write all the time', async () => {
    await insert(3_000);
    const rows = await engine.session.query<{ id: string }>('SELECT id FROM records WHERE team_id = $1', [teamId]);
    const ids = rows.map(({ id }) => id);
    await setLookup(engine.session, teamId, property, 'indexed');
    let writing = true;
    let written = 0;
    const write = async (seed: number): Promise<void> => {
      for (let n = seed; writing; n += 1) {
        const pick = (offset: number): string => ids[(n * 7919 + offset * 104_729) % ids.length] ?? '';
        const building = { building: true } as const;
        const items: PlanItem[] = [
          change(pick(1), `new-${n % 50}`, building),
          change(pick(2), null, building),
          { op: 'delete', id: pick(3) },
          creation(`new-${n % 50}`, building),
          { op: 'update', id: pick(4), set: { name: 'Renamed' } },
        ];
        const options = n % 3 === 0 ? { onError: 'rollback' as const } : {};
        written += codesOf(await engine.apply(batch(teamId, items, options))).filter((code) => code === 'ok').length;
      }
    };
    const writers = [1, 2, 3, 4].map(write);
    const states = await build();
    writing = false;
    await Promise.all(writers);
    expect(states.at(-1)).toBe('ready');
    expect(written).toBeGreaterThan(0);
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
  });

  it('fails if values of a unique lookup are not unique, and succeeds when they are', async () => {
    await insert(20, "'same-' || n % 8");
    await setLookup(engine.session, teamId, property, 'unique');
    expect((await build()).at(-1)).toBe('failed');
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
    await engine.session.query(
      'UPDATE records SET properties = properties || jsonb_build_object($2::text, id) WHERE team_id = $1 AND properties ? $2',
      [teamId, property.slug],
    );
    await setLookup(engine.session, teamId, property, 'unique', 'verifying');
    expect((await build()).at(-1)).toBe('ready');
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
  });

  it('waits for a writer that may commit a duplicate before it calls a lookup unique', async () => {
    const [old = ''] = await engine.insert(teamId, 1);
    await engine.session.query('UPDATE records SET properties = properties || \'{"external_id": "a"}\' WHERE id = $1', [
      old,
    ]);
    await setLookup(engine.session, teamId, property, 'unique');
    // A writer that has found no other record with the value, and has not committed.
    await engine.session.query('BEGIN');
    await engine.session.query('SELECT apply_item($1, $2, $3)', [
      teamId,
      'organization',
      JSON.stringify(creation('a', { unique: true, building: true })),
    ]);
    expect(await builder.step(0)).toMatchObject({ state: 'building', handled: 1 });
    expect(await builder.step(0)).toBe('busy');
    await engine.session.query('COMMIT');
    expect((await build()).at(-1)).toBe('failed');
  });

  it('removes the rows when the lookup is removed, and has exact rows when it is added again', async () => {
    await insert(1_200);
    await setLookup(engine.session, teamId, property, 'indexed');
    await build();
    await setLookup(engine.session, teamId, property, 'none');
    expect((await build()).at(-1)).toBe('removed');
    expect(await found('old-1')).toEqual([]);
    expect(await lookupState(engine.session, property)).toBeNull();

    // Rows that a gateway stored by an old definition.
    await engine.session.query(
      `INSERT INTO record_lookups SELECT team_id, id, $2, '\\x00' FROM records WHERE team_id = $1 AND deleted_at IS NULL`,
      [teamId, property.id],
    );
    await setLookup(engine.session, teamId, property, 'indexed');
    expect((await build()).at(-1)).toBe('ready');
    expect(await lookupErrors(engine.session, teamId, property)).toEqual([]);
  });

  it('is counted until it is ready, with the age of the change', async () => {
    const { building, failed } = await builder.backlog(); // of all teams
    await setLookup(engine.session, teamId, property, 'indexed');
    await engine.session.query(
      "UPDATE property_definitions SET lookup_since = now() - interval '1 day' WHERE team_id = $1 AND id = $2",
      [teamId, property.id],
    );
    const counted = await builder.backlog();
    expect(counted).toMatchObject({ building: building + 1, failed });
    expect(counted.oldestSeconds).toBeGreaterThanOrEqual(86_400);
    await setLookup(engine.session, teamId, property, 'unique', 'failed');
    expect(await builder.backlog()).toMatchObject({ building, failed: failed + 1 });
    await setLookup(engine.session, teamId, property, 'unique', 'ready');
    expect(await builder.backlog()).toMatchObject({ building, failed });
  });

  it('is done by one worker at a time, and does not wait for the other', async () => {
    await insert(5);
    await setLookup(engine.session, teamId, property, 'indexed');
    await engine.session.query('BEGIN');
    await engine.session.query("SELECT build_lookups('0', 10)");
    expect(await builder.step(0)).toBeUndefined();
    await engine.session.query('ROLLBACK');
    expect((await build()).at(-1)).toBe('ready');
  });
});
