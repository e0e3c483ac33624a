import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSettings } from '#libs/config';
import { Cancellation, type ConnectionPool } from '#libs/database';
import { Deadline } from '#libs/limits';
import type { PropertyDefinition } from '#libs/properties';
import { FilterParser, QueryFields, RecordQueryRepository, sortOrderOf } from '#libs/records';
import { Engine } from '../support/engine';

/** Pages of Postgres, of 8 KiB: a multiple of what the one record takes. Each time its properties are decompressed it is read again. */
const MAX_PAGES = 1_500;
const NUMBERS = Array.from({ length: 500 }, (_, n) => n);

let engine: Engine;
const teamId = randomUUID();
const listId = randomUUID();
const definitions = [
  definition('text', 'text', null),
  definition('tags', 'multi_str', null),
  ...NUMBERS.flatMap((n) => [definition(`p${n}`, 'str', null), definition(`l${n}`, 'str', listId)]),
];

beforeAll(async () => {
  engine = await Engine.start();
  await engine.session.query(
    `INSERT INTO records (team_id, id, object_type, properties, list)
     SELECT $1, gen_random_uuid(), 'organization', large, jsonb_build_object($2::text, large)
       FROM (SELECT jsonb_build_object('text', string_agg(md5(n::text), ''), 'tags', jsonb_agg(md5(n::text)))
                    || (SELECT jsonb_object_agg('p' || n, n::text) || jsonb_object_agg('l' || n, n::text) FROM generate_series(0, 499) AS n)
               FROM generate_series(1, 6000) AS n) AS record (large)`,
    [teamId, listId],
  );
});
afterAll(() => engine.close());

function definition(slug: string, type: PropertyDefinition['type'], list: string | null): PropertyDefinition {
  const rest = { name: slug, required: false, native: false, locked: false, lookup: 'none', options: [] } as const;
  return { ...rest, id: randomUUID(), slug, type, list_id: list, lookup_state: null };
}

interface Reading {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  /** Its input, with a row for each record, has the relationship `Outer`. */
  readonly Plans: readonly { readonly 'Parent Relationship': string; readonly 'Actual Rows': number }[];
}

/** What Postgres reads for a page, and how many parameters the statement has. */
async function read(
  filter: unknown,
  { selection, inList = false }: { selection?: string[]; inList?: boolean } = {},
): Promise<{ pages: number; rows: number; parameters: number }> {
  let result: Awaited<ReturnType<typeof read>> | undefined;
  const client = {
    query: async (text: string, values: unknown[]) => {
      const explain = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`;
      const [row] = await engine.session.query<{ 'QUERY PLAN': [{ Plan: Reading }] }>(explain, values);
      const plan = row?.['QUERY PLAN'][0].Plan;
      const rows = plan?.Plans.find((each) => each['Parent Relationship'] === 'Outer')?.['Actual Rows'];
      if (plan === undefined || rows === undefined) throw new Error('EXPLAIN returned no plan.');
      const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
      result = { pages, rows, parameters: values.length };
      return { rows: [] };
    },
  };
  const pool = {
    withClient: (use: (connection: typeof client) => unknown) => use(client),
  } as unknown as ConnectionPool; // the one method that is called
  const queries = new RecordQueryRepository(pool, pool, readSettings({ DATABASE_URL: engine.url }));
  const fields = new QueryFields(definitions, inList ? listId : undefined);
  const condition = new FilterParser(fields).parse(filter, 'all', '.filter');
  const query = { teamId, objectType: 'organization' as const, fields, condition, ids: undefined, deleted: false };
  await queries.page(
    queries.compile({
      ...query,
      ...{ selection, order: sortOrderOf(undefined, fields, ''), limit: 10, after: undefined, offset: 0 },
    }),
    { deadline: Deadline.in(20_000), cancellation: new Cancellation() },
  );
  if (result === undefined) throw new Error('No statement was executed.');
  return result;
}

const values = (value: string): string[] => Array.from({ length: 1_000 }, () => value);

it.each([
  ['contains, of a text', [{ text: { contains: values('c4ca') } }, { text: { contains: values('c81e') } }], 1],
  ['not_contains, of a text', [{ text: { not_contains: 'no' } }], 1],
  ['contains, of a list', [{ tags: { contains: values('c4ca4238a0b923820dcc509a6f75849b') } }], 1],
  ['in, of a list', [{ tags: { in: values('no') } }], 0],
  ['not_in, of a list', [{ tags: { not_in: values('no') } }], 1],
])('reads a large record once per condition: %s', async (_, filter, rows) => {
  const found = await read(filter, { selection: ['p1'] });
  expect(found).toMatchObject({ rows, pages: expect.toSatisfy((pages: number) => pages < MAX_PAGES) as number });
  expect(found.parameters).toBeLessThan(20);
});

it.each([
  ['of the object type', 'p', false],
  ['of a list', 'l', true],
])('reads a large record once for 100 conditions on properties %s', async (_, prefix, inList) => {
  const filter = NUMBERS.slice(0, 99).map((n) => ({ [`${prefix}${n}`]: { '=': String(n) } }));
  const { pages, rows } = await read([...filter, { id: { '!=': teamId } }], { selection: ['p1'], inList });
  expect(rows).toBe(1);
  expect(pages).toBeLessThan(MAX_PAGES);
});

it.each([
  ['of the object type', 'p', false],
  ['of a list', 'l', true],
])('reads a large record once for 500 selected properties %s', async (_, prefix, inList) => {
  const { pages, rows } = await read([], { selection: NUMBERS.map((n) => `${prefix}${n}`), inList });
  expect(rows).toBe(1);
  expect(pages).toBeLessThan(MAX_PAGES);
});

it('the largest filter and selection have far fewer parameters than the 65,535 of the protocol', async () => {
  const lists = Array.from({ length: 100 }, (_, n) => ({ [`p${n}`]: { contains: values('x').slice(0, 20) } }));
  const selection = NUMBERS.flatMap((n) => [`p${n}`, `l${n}`]);
  expect((await read(lists, { selection, inList: true })).parameters).toBeLessThan(5_000);
});
