import fc from 'fast-check';
import type { PropertyDefinition } from '#libs/properties';

/** A stored record. */
export interface StoredRow {
  id: string;
  properties: Record<string, unknown>;
  /** The block of the list; null: the record is not in it. */
  block: Record<string, unknown> | null;
  createdAt: string;
  deleted: boolean;
}

/** A query as a client sends it. */
export interface QueryDraft {
  filter: unknown[];
  combinator: 'AND' | 'OR';
  sort: Record<string, 'asc' | 'desc'>[];
  limit: number;
  inList: boolean;
  deleted: boolean;
}

export const listId = '1c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';
const options = ['low', 'high', 'top'].map((slug, index) => ({
  id: `5b7a2f3c-9a53-4d8e-8f6b-0c1d2e3f4a5${index}`,
  slug,
  value: slug,
}));
const references = Array.from({ length: 3 }, (_, n) => `0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2b7${n}`);

const types = {
  title: 'str',
  body: 'text',
  amount: 'num',
  open: 'bool',
  day: 'date',
  priority: 'select_str',
  owner: 'ref_contact',
  tags: 'multi_str',
  labels: 'multiselect_str',
  people: 'multiref_contact',
  data: 'jsonb',
} as const;
type Slug = keyof typeof types;

/** The ids of the properties that have a lookup, by slug. */
export const lookupIds: Readonly<Record<string, string>> = {
  title: '0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2c00',
  amount: '0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2c01',
  day: '0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2c02',
  priority: '0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2c03',
  owner: '0d9dcb40-7f6f-4a0b-8e5c-3a6f1f1c2c04',
};

function definition(slug: string, type: PropertyDefinition['type'], list_id: string | null = null): PropertyDefinition {
  const hasLookup = list_id === null && Object.hasOwn(lookupIds, slug);
  return {
    id: lookupIds[slug] ?? slug,
    slug,
    type,
    name: slug,
    required: false,
    native: false,
    locked: false,
    list_id,
    lookup: hasLookup ? 'indexed' : 'none',
    lookup_state: hasLookup ? 'ready' : null,
    options: type.includes('select') ? options : [],
  };
}

/** One property of each type, and two of a list, of which `amount` hides that of the object type. */
export const definitions: readonly PropertyDefinition[] = [
  ...Object.entries(types).map(([slug, type]) => definition(slug, type)),
  definition('amount', 'num', listId),
  definition('score', 'num', listId),
  { ...definition('created_at', 'date'), native: true, locked: true },
];

const texts = [
  '',
  'a',
  'b',
  'ab',
  'Ab',
  'é',
  '😀',
  '~',
  'a b',
  '%',
  '_',
  '\\',
  '\u{ffff}',
  'x'.repeat(300),
  `${'x'.repeat(300)}y`,
];
const numbers = [0, -1, 1, 9, 10, 2.5, -0.1, 1e-7, 5e-324, 1e15, 9007199254740991];
const days = ['2026-02-27', '2026-02-28', '2024-02-29', '0001-01-01', '9999-12-31'];
const times = [
  '2026-02-28T00:00:00Z',
  '2026-02-28t01:30:00.5+01:30',
  '2026-02-27T23:59:59.999-00:00',
  '2026-02-28T00:00:00.001z',
];
const values: Record<Slug, fc.Arbitrary<unknown>> = {
  title: fc.constantFrom(...texts),
  body: fc.constantFrom(...texts),
  amount: fc.constantFrom(...numbers),
  open: fc.boolean(),
  day: fc.constantFrom(...days, ...times),
  priority: fc.constantFrom(...options.map(({ slug }) => slug)),
  owner: fc.constantFrom(...references),
  tags: fc.uniqueArray(fc.constantFrom(...texts.slice(0, 8)), { maxLength: 3 }),
  labels: fc.uniqueArray(fc.constantFrom(...options.map(({ slug }) => slug)), { maxLength: 3 }),
  people: fc.uniqueArray(fc.constantFrom(...references), { maxLength: 2 }),
  data: fc.constantFrom<unknown>('a', '1', 1, true, null, [], ['a'], { a: 1 }),
};
/** From before the property had its type. */
const foreign = fc.constantFrom<unknown>(null, '7', 'soon', '2026-02-30', '12026-01-01', {}, [1], ['a']);

const blockOf = (slugs: readonly Slug[]): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(
    Object.fromEntries(
      slugs.map((slug) => {
        const isTyped = slug === 'amount' || slug === 'open' || slug === 'day';
        return [slug, isTyped ? fc.oneof({ weight: 6, arbitrary: values[slug] }, foreign) : values[slug]];
      }),
    ),
    { requiredKeys: [] },
  );

const slugs = Object.keys(types) as Slug[];
const createdAt = fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.001Z', '2026-01-02T00:00:00.000Z');

export const row: fc.Arbitrary<StoredRow> = fc.record({
  id: fc.uuid({ version: 4 }),
  properties: blockOf(slugs),
  block: fc.option(fc.record({ amount: values.amount, score: values.amount }, { requiredKeys: [] })),
  createdAt,
  deleted: fc.boolean(),
});

const equality = ['=', '!='] as const;
const order = ['<', '>', '<=', '>='] as const;
const list = ['in', 'not_in'] as const;
const parts = ['contains', 'not_contains', 'begins_with', 'ends_with'] as const;
const presence = ['exists', 'not_exists', 'is_null', 'is_not_null'] as const;

const asText = (value: unknown): unknown => (typeof value === 'string' ? value : String(value));

/** One comparison of a property with an operator that applies to its type. */
function comparison(slug: string): fc.Arbitrary<object> {
  const type: string = slug === 'created_at' ? 'date' : slug === 'score' ? 'num' : types[slug as Slug];
  const single = slug === 'created_at' ? createdAt : slug === 'score' ? values.amount : values[slug as Slug];
  const isMulti = type.startsWith('multi');
  const operand: fc.Arbitrary<unknown> = isMulti
    ? fc.constantFrom(
        ...(slug === 'tags'
          ? texts.slice(0, 8)
          : slug === 'labels'
            ? options.map(({ slug: name }) => name)
            : references),
      )
    : type === 'jsonb'
      ? fc.constantFrom<unknown>('a', '1', 1, true)
      : fc.oneof(
          single,
          single.map((value) => (type === 'num' || type === 'bool' ? asText(value) : value)),
        );
  const withId = type.includes('select')
    ? operand.map((value) => options.find(({ slug: name }) => name === value)?.id ?? value)
    : operand;
  const either = fc.oneof(operand, withId);
  const many = fc.array(either, { minLength: 1, maxLength: 3 });
  const isOrdered = !isMulti && ['str', 'text', 'num', 'date', 'select_str'].includes(type);
  const isText = ['str', 'text', 'select_str', 'multi_str', 'multiselect_str'].includes(type);
  const made = (operators: readonly string[], value: fc.Arbitrary<unknown>): fc.Arbitrary<object> =>
    fc.tuple(fc.constantFrom(...operators), value).map(([operator, given]) => ({ [operator]: given }));
  const text = fc.constantFrom('', 'a', 'b', 'x', '%', 'l', 'hi', '😀');
  return fc.oneof(
    made(equality, either),
    made(list, many),
    made(presence, fc.constantFrom<unknown>(true, false, 'true', 'false')),
    ...(isOrdered ? [made(order, either), made(['between'], fc.tuple(either, either))] : []),
    ...(isText && !isMulti
      ? [made(parts, text), made(['contains'], fc.array(text, { minLength: 1, maxLength: 2 }))]
      : []),
    ...(isMulti ? [made(['contains', 'not_contains'], either), made(['contains'], many)] : []),
    ...(isMulti && isText ? [made(['begins_with', 'ends_with'], text)] : []),
  );
}

const condition = (known: readonly string[]): fc.Arbitrary<object> =>
  fc.constantFrom(...known).chain((slug) => comparison(slug).map((each) => ({ [slug]: each })));

/** Filters with groups in groups, and several properties in one object. */
function filters(known: readonly string[]): fc.Arbitrary<unknown[]> {
  const { element } = fc.letrec<{ element: object }>((tie) => ({
    element: fc.oneof(
      { depthSize: 'small', maxDepth: 3 },
      { weight: 4, arbitrary: condition(known) },
      fc.tuple(condition(known), condition(known)).map(([a, b]) => ({ ...a, ...b })),
      fc
        .tuple(fc.constantFrom('AND', 'OR'), fc.array(tie('element'), { minLength: 1, maxLength: 3 }))
        .map(([group, elements]) => ({ [group]: elements })),
    ),
  }));
  return fc.array(element, { maxLength: 3 });
}

const sortable = ['title', 'body', 'amount', 'open', 'day', 'priority', 'owner', 'created_at', 'id'];

export const draft: fc.Arbitrary<QueryDraft> = fc.boolean().chain((inList) => {
  const known = [...slugs, 'created_at', ...(inList ? ['score'] : [])];
  return fc.record({
    filter: filters(known),
    combinator: fc.constantFrom('AND' as const, 'OR' as const),
    sort: fc
      .uniqueArray(fc.constantFrom(...sortable, ...(inList ? ['score'] : [])), { maxLength: 3 })
      .chain((names) =>
        fc.tuple(
          ...names.map((name) => fc.constantFrom('asc' as const, 'desc' as const).map((way) => ({ [name]: way }))),
        ),
      ),
    limit: fc.integer({ min: 1, max: 8 }),
    inList: fc.constant(inList),
    deleted: fc.boolean(),
  });
});
