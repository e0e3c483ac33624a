import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { Cancellation } from '#libs/database';
import { Deadline } from '#libs/limits';
import { lookupKindOf } from '#libs/properties';
import { CursorCodec, FilterParser, OPERATORS, QueryFields, RecordQueryRepository, sortOrderOf } from '#libs/records';
import { Engine, idsOf } from '../support/engine';
import { definitions, draft, listId, type QueryDraft, row, type StoredRow } from './query.arbitraries';
import { expectedIds } from './query.model';

const runs = 150;

let engine: Engine;
let queries: RecordQueryRepository;

beforeAll(async () => {
  engine = await Engine.start();
  queries = new RecordQueryRepository(engine.database, engine.database, readSettings({ DATABASE_URL: engine.url }));
});
afterAll(() => engine.close());

const options = (): { deadline: Deadline; cancellation: Cancellation } => ({
  deadline: Deadline.in(20_000),
  cancellation: new Cancellation(),
});

async function insert(teamId: string, rows: readonly StoredRow[]): Promise<void> {
  await engine.session.query(
    `INSERT INTO records (team_id, id, object_type, properties, list, created_at, deleted_at)
     SELECT $1, (r ->> 'id')::uuid, 'deal', r -> 'properties',
            CASE WHEN jsonb_typeof(r -> 'block') = 'object' THEN jsonb_build_object($3::text, r -> 'block') ELSE '{}' END,
            (r ->> 'createdAt')::timestamptz, CASE WHEN (r ->> 'deleted')::boolean THEN now() END
       FROM jsonb_array_elements($2) AS r`,
    [teamId, JSON.stringify(rows), listId],
  );
  const targets = definitions.filter(({ lookup }) => lookup !== 'none');
  await engine.session.query(
    `INSERT INTO record_lookups (team_id, record_id, property_id, value_hash)
     SELECT r.team_id, r.id, (d ->> 'id')::uuid, lookup_hash(d ->> 'kind', r.properties -> (d ->> 'slug'))
       FROM records AS r, jsonb_array_elements($2) AS d
      WHERE r.team_id = $1 AND r.deleted_at IS NULL
        AND lookup_hash(d ->> 'kind', r.properties -> (d ->> 'slug')) IS NOT NULL`,
    [teamId, JSON.stringify(targets.map((each) => ({ ...each, kind: lookupKindOf(each) })))],
  );
}

/** The ids on all pages, and the number of records that Postgres counts. */
async function queried(teamId: string, query: QueryDraft): Promise<{ ids: string[]; total: number }> {
  const fields = new QueryFields(definitions, query.inList ? listId : undefined);
  const condition = new FilterParser(fields).parse(query.filter, query.combinator === 'OR' ? 'any' : 'all', '.filter');
  const filter = { teamId, objectType: 'deal' as const, fields, condition, ids: undefined, deleted: query.deleted };
  const sorting = sortOrderOf(query.sort, fields, '.sort');
  const codec = new CursorCodec(filter, sorting);
  const ids: string[] = [];
  let after: readonly (string | null)[] | undefined;
  do {
    const page = await queries.page(
      queries.compile({ ...filter, selection: ['title'], order: sorting, limit: query.limit, after, offset: 0 }),
      options(),
    );
    ids.push(...idsOf(page));
    after = page.next && codec.decode(codec.encode({ limit: query.limit, values: page.next }), '.cursor').values;
  } while (after !== undefined);
  return { ids, total: await queries.count(filter, options()) };
}

describe('queries', () => {
  it('find what a filter in memory finds, in the same order, on any pages', { timeout: 120_000 }, async () => {
    const used = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(row, { maxLength: 40, selector: ({ id }) => id }),
        fc.array(draft, { minLength: 1, maxLength: 8 }),
        async (rows, drafts) => {
          const teamId = randomUUID();
          await insert(teamId, rows);
          for (const query of drafts) {
            for (const operator of JSON.stringify(query.filter).matchAll(/\{"([^"]+)":/g)) used.add(operator[1] ?? '');
            const { ids, total } = await queried(teamId, query);
            expect(ids).toEqual(expectedIds(rows, query));
            expect(total).toBe(ids.length);
          }
        },
      ),
      { numRuns: runs },
    );
    expect(OPERATORS.filter((operator) => !used.has(operator))).toEqual([]);
  });
});
