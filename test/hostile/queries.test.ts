import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PropertyDefinitionService } from '#libs/properties';
import { CursorCodec, FilterParser, OPERATORS, QueryFields, sortOrderOf } from '#libs/records';
import type { ApiClient, ApiResponse } from '../support/api.client';
import { startGateway, type TestGateway } from '../support/gateway';

let gateway: TestGateway;
let caller: ApiClient;

beforeAll(async () => {
  gateway = await startGateway();
  caller = await gateway.newCaller();
  await caller.create({ default: { name: 'Acme', employees: 5, founded_on: '2026-02-28', tags: ['a'] } });
  // Values that no gateway writes.
  const foreign = [
    { employees: '5', founded_on: '2026-02-30', tags: {}, stage: 7, name: ['a'] },
    { employees: {}, founded_on: 'now' },
  ];
  for (const properties of foreign) {
    await gateway.database.query(
      "INSERT INTO records (team_id, id, object_type, properties) VALUES ($1, gen_random_uuid(), 'organization', $2)",
      [caller.teamId, JSON.stringify(properties)],
    );
  }
});
afterAll(() => gateway.close());

function query(body: unknown): Promise<ApiResponse> {
  return caller.call('POST', caller.path('organization/query'), { body: JSON.stringify(body) });
}

const slug = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'name',
      'notes',
      'employees',
      'founded_on',
      'stage',
      'tags',
      'created_at',
      'updated_at',
      'id',
    ),
  },
  fc.constantFrom(
    'AND',
    'OR',
    'and',
    '',
    '\0',
    'toString',
    'hasOwnProperty',
    'a'.repeat(5_000),
    "'; DROP TABLE records; --",
  ),
);
const text = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '\udfff',
    '%',
    '\\',
    "'",
    '$1',
    'won',
    '2026-02-28',
    '9999-12-31T23:59:60-15:59',
    '1e308',
    '-0',
    'NaN',
    'Infinity',
    '1e-400',
    'true',
    'x'.repeat(9_000),
  ),
  fc.string({ unit: 'binary' }),
);
const scalar = fc.oneof(
  text,
  fc.double(),
  fc.bigInt({ min: 0n, max: 10n ** 20n }).map(Number),
  fc.boolean(),
  fc.constant(null),
);
const value = fc.oneof({ weight: 4, arbitrary: scalar }, fc.array(scalar, { maxLength: 4 }), fc.jsonValue());
const operator = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...OPERATORS) },
  fc.constantFrom('', 'like', '==', 'constructor'),
);
const condition = fc.dictionary(
  slug,
  fc.oneof({ weight: 6, arbitrary: fc.dictionary(operator, value, { maxKeys: 2 }) }, value),
  { maxKeys: 2 },
);
const sort = fc.array(fc.dictionary(slug, fc.constantFrom('asc', 'desc', 'ASC', 1), { maxKeys: 2 }), { maxLength: 3 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, arbitrary);
const body = fc.record({
  query: fc.record({
    select: fc.oneof({ weight: 5, arbitrary: fc.constant(['name']) }, fc.array(slug), value),
    filter: fc.oneof({ weight: 5, arbitrary: fc.array(condition, { maxLength: 3 }) }, value),
    combinator: optional(fc.constantFrom('OR', 'or', null)),
    sort: optional(fc.oneof(sort, value)),
    limit: optional(value),
    page: optional(value),
    cursor: optional(value),
    list_id: optional(value),
  }),
  id: optional(value),
  cursor: optional(value),
  deleted: optional(value),
  include_total: optional(value),
});

describe('a hostile query', () => {
  it('gets 200 or 400', { timeout: 120_000 }, async () => {
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const { status } = await query(sent);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        expect([200, 400]).toContain(status);
      }),
      { numRuns: 1_500 },
    );
    expect(statuses.get(200)).toBeGreaterThan(20);
  });

  it('gets 200 or 400 as a query string', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(slug, text), { maxLength: 4 }), async (parameters) => {
        const encoded = parameters
          .map(
            ([name, given]) => `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(given.toWellFormed())}`,
          )
          .join('&');
        if (encoded.length > 12_000) return;
        const { status } = await caller.call('GET', caller.path(`organization?${encoded}`));
        expect([200, 400]).toContain(status);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      '10,000 conditions',
      { query: { select: ['name'], filter: Array.from({ length: 10_000 }, () => ({ name: { '=': 'a' } })) } },
    ],
    ['100,000 ids', { query: { select: ['name'] }, id: Array.from({ length: 100_000 }, () => randomUUID()) }],
    [
      '9,000 members in one condition',
      {
        query: {
          select: ['name'],
          filter: [Object.fromEntries(Array.from({ length: 9_000 }, (_, n) => [`k${n}`, {}]))],
        },
      },
    ],
    ['a text of a megabyte', { query: { select: ['name'], filter: [{ name: { contains: 'x'.repeat(2 ** 20) } }] } }],
    ['a slug of a megabyte', { query: { select: ['x'.repeat(2 ** 20)] } }],
    ['a cursor of a megabyte', { query: { select: ['name'], cursor: 'A'.repeat(2 ** 20) } }],
  ])('with %s is rejected', async (_, sent) => {
    const { status, text: response } = await query(sent);
    expect(status).toBe(400);
    expect(response.length).toBeLessThan(5_000);
  });
});

describe('a forged cursor with a correct checksum', () => {
  const hostile = fc.oneof(
    text,
    fc.constant(null),
    fc.double().map(String),
    fc.constantFrom(
      '2026-02-30T00:00:00.000Z',
      '-000001-01-01T00:00:00.000Z',
      '+275760-09-13T00:00:00.000Z',
      '1'.repeat(1_000),
      '9'.repeat(1_025),
    ),
  );

  it('never fails in Postgres', { timeout: 60_000 }, async () => {
    const definitions = await gateway.app.get(PropertyDefinitionService).definitionsOf(caller.teamId, 'organization');
    const fields = new QueryFields(definitions, undefined);
    const slugs = ['name', 'employees', 'founded_on', 'updated_at', 'stage'];
    const order = sortOrderOf(
      slugs.map((each) => ({ [each]: 'asc' })),
      fields,
      '',
    );
    const condition = new FilterParser(fields).parse([], 'all', '');
    const filter = {
      teamId: caller.teamId,
      objectType: 'organization' as const,
      fields,
      condition,
      ids: undefined,
      deleted: false,
    };
    const codec = new CursorCodec(filter, order);
    const valid: readonly (string | null)[] = [
      'a',
      '1',
      '1',
      '2026-01-01T00:00:00.000Z',
      'won',
      '2026-01-01T00:00:00.000Z',
      caller.teamId,
    ];
    const send = (limit: number, values: readonly (string | null)[]): Promise<ApiResponse> =>
      query({
        query: {
          select: ['name'],
          sort: slugs.map((each) => ({ [each]: 'asc' })),
          cursor: codec.encode({ limit, values }),
        },
      });
    expect((await send(5, valid)).status).toBe(200);
    expect((await send(0, valid)).status).toBe(400);
    expect((await send(51, valid)).status).toBe(400);
    expect((await send(5, valid.slice(1))).status).toBe(400);
    await fc.assert(
      fc.asyncProperty(fc.nat(valid.length - 1), hostile, async (index, given) => {
        const { status } = await send(5, valid.with(index, given));
        expect([200, 400]).toContain(status);
      }),
      { numRuns: 400 },
    );
  });
});
