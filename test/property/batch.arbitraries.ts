import fc from 'fast-check';
import { type BatchOptions, DEFAULT_OPTIONS } from '#libs/records';

type Block = Record<string, unknown>;

/** The record of an item, by index in the fixture. */
export type Target = number;

/** The etag in `if_match`: the current one, one of a lost change, or a weak one. */
export type IfMatch = 'current' | 'lost' | 'weak' | 'any' | 'none';

export type ItemDraft = OperationDraft & { ref?: string | undefined };

type OperationDraft =
  | { kind: 'patch'; target: Target; upperCase: boolean; ifMatch: IfMatch; blocks: Blocks }
  /** `target`: whose etag `ifMatch` means. */
  | (MatchDraft & { kind: 'match'; ifAbsent: 'error' | 'create' | undefined })
  /** A single write, so its batch has no other item. */
  | (MatchDraft & { kind: 'upsert' })
  | { kind: 'delete'; target: Target; ifMatch: IfMatch }
  | { kind: 'restore'; target: Target; ifMatch: IfMatch }
  | { kind: 'create'; target: Target; blocks: Blocks }
  | { kind: 'invalid'; target: Target; fault: Fault };

interface MatchDraft {
  match: Value;
  target: Target;
  ifMatch: IfMatch;
  blocks: Blocks;
}

/** A value of a property. */
export interface Value {
  slug: string;
  value: string | number;
}

export interface Blocks {
  default?: Block;
  list?: Record<string, Block>;
  extended?: Block;
}

/** An invalid part of an item, and its error code. */
export interface Fault {
  code: string;
  /** Replaces the id of the item; undefined: a valid id. */
  id?: unknown;
  blocks: Block;
}

export interface BatchDraft {
  items: ItemDraft[];
  options: BatchOptions;
  keyed: boolean;
}

/** Lists whose properties are `score` (num), `labels` (multi_str) and `phase` (select_str). */
export const listIds = ['1c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a', '2c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a'] as const;

/** Properties by which records are found: with an index, with an index of unique values, and without one. */
export const indexedSlugs = ['primary_domain', 'rank', 'external_id'] as const;
export const uniqueSlugs = ['rank', 'external_id'] as const;

/** The number of targets. Those below `liveTargets` are live records, the others cannot be updated. */
export const targets = 7;
export const liveTargets = 3;

export const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0'));
/** Of a required property: never blank. */
export const name = text.filter((value) => value.trim() !== '');
export const letters = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'é', '"'), { maxLength: 4 });
const operator = fc.record({ _op: fc.constantFrom('append', 'remove'), values: letters });
const stage = fc.constantFrom('lead', 'qualified', 'won');
export const integer = fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });

const increment = fc.record({
  _op: fc.constant('increment'),
  by: fc.oneof(
    fc.constantFrom(0, 1, -1, 0.1, 0.2, -2.5, 1e-7),
    integer,
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  ),
});

export function cleared<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: fc.constant(null) });
}

const defaultBlock = fc.record(
  {
    name,
    notes: cleared(text),
    stage: cleared(stage),
    employees: cleared(fc.oneof(integer, fc.integer({ min: -9, max: 9 }), increment)),
    tags: cleared(fc.oneof(letters, operator)),
  },
  { requiredKeys: [] },
);
const domain = fc.constantFrom('a.example', 'b.example', 'c.example');
const externalId = fc.constantFrom('x1', 'x2', 'X1');
export const rank = fc.integer({ min: 1, max: 4 });
const location = fc.constantFrom('Oslo', 'Paris');
export const rankIncrement = fc.record({ _op: fc.constant('increment'), by: fc.constantFrom(-1, 0, 1) });
/** Few values, so that several records get one. */
const values = fc.oneof(
  { weight: 1, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({ primary_domain: cleared(domain) }),
      fc.record({ external_id: cleared(externalId) }),
      fc.record({ rank: cleared(fc.oneof(rank, rankIncrement)) }),
      fc.record({ primary_domain: domain, external_id: cleared(externalId), location: cleared(location) }),
    ),
  },
);
const match: fc.Arbitrary<Value> = fc.oneof(
  fc.record({ slug: fc.constant('primary_domain'), value: domain }),
  fc.record({ slug: fc.constant('external_id'), value: externalId }),
  fc.record({ slug: fc.constant('rank'), value: rank }),
);
export const listBlock = fc.record(
  {
    score: cleared(fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), increment)),
    labels: cleared(fc.oneof(letters, operator)),
  },
  { requiredKeys: [] },
);
export const extendedBlock = fc.dictionary(
  fc.constantFrom('a', 'b', 'key "c"'),
  cleared(fc.oneof(text, integer, letters, operator)),
  {
    maxKeys: 2,
  },
);
const withValues = fc.tuple(defaultBlock, values).map(([block, more]) => ({ ...block, ...more }));
const blocks: fc.Arbitrary<Blocks> = fc.oneof(
  fc.record({ default: withValues }),
  fc.record(
    {
      default: withValues,
      list: fc.dictionary(fc.constantFrom(...listIds), listBlock, { maxKeys: 2 }),
      extended: extendedBlock,
    },
    { requiredKeys: [] },
  ),
);

export const target = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: liveTargets - 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: targets - 1 }) },
);
const ifMatch: fc.Arbitrary<IfMatch> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<IfMatch>('none') },
  { weight: 2, arbitrary: fc.constantFrom<IfMatch>('current', 'lost', 'weak', 'any') },
);
const fault: fc.Arbitrary<Fault> = fc.constantFrom(
  { code: 'invalid_item', id: 'no uuid', blocks: {} },
  { code: 'invalid_item', id: null, blocks: {} },
  { code: 'invalid_item', blocks: { defaults: {} } },
  { code: 'invalid_item', blocks: { if_match: '8' } },
  { code: 'unknown_property', blocks: { default: { name: 'x', nmae: 'x' } } },
  { code: 'invalid_property', blocks: { default: { name: 'x', employees: 'many' } } },
  { code: 'unknown_option', blocks: { default: { stage: 'sold' } } },
  { code: 'required_property', blocks: { default: { notes: 'x', name: null } } },
);

const operation: fc.Arbitrary<OperationDraft> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('patch' as const), target, upperCase: fc.boolean(), ifMatch, blocks }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('patch' as const),
      target,
      upperCase: fc.boolean(),
      ifMatch,
      blocks: fc.constantFrom<Blocks>({}, { default: {} }, { list: { [listIds[0]]: {} }, extended: {} }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ kind: fc.constant('match' as const), match, target, ifMatch },
      ifAbsent: fc.constantFrom('error', 'create', 'create', undefined),
      blocks,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), target, ifMatch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore' as const), target, ifMatch }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...{ kind: fc.constant('create' as const), target },
      blocks: fc.tuple(name, values).map(([name, more]) => ({ default: { name, ...more } })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('invalid' as const), target, fault }) },
);

const upsert: fc.Arbitrary<OperationDraft> = fc.record({
  ...{ kind: fc.constant('upsert' as const), target, ifMatch, blocks },
  match: fc.oneof(match, fc.record({ slug: fc.constant('location'), value: location })),
});

const onlyName: fc.Arbitrary<Blocks> = fc.record({ default: fc.record({ name }) });
/** Operations that depend on each other: they set the values of one property, and match them. */
const dependentOperations = fc
  .constantFrom(...indexedSlugs, 'primary_domain' as const)
  .chain((slug): fc.Arbitrary<OperationDraft[]> => {
    const value = { primary_domain: domain, external_id: externalId, rank }[slug];
    const set = fc.tuple(name, value).map(([name, value]): Blocks => ({ default: { name, [slug]: value } }));
    const ifMatch = fc.constant<IfMatch>('none');
    const operation: fc.Arbitrary<OperationDraft> = fc.oneof(
      fc.record({
        ...{ kind: fc.constant('patch' as const), target, ifMatch },
        upperCase: fc.constant(false),
        blocks: set,
      }),
      fc.record({
        ...{
          kind: fc.constant('match' as const),
          match: fc.record({ slug: fc.constant(slug), value }),
          target,
          ifMatch,
        },
        ...{ ifAbsent: fc.constantFrom('error', 'create'), blocks: fc.oneof(onlyName, set) },
      }),
      fc.record({ kind: fc.constant('create' as const), target, blocks: set }),
      fc.record({ kind: fc.constantFrom('delete' as const, 'restore' as const), target, ifMatch }),
    );
    return fc.array(operation, { minLength: 2, maxLength: 10, size: 'max' });
  });

const ref = fc.option(fc.constantFrom('', 'row 1', 'é "\\" \u2028 \u0001', '😀'.repeat(64)), { nil: undefined });
const item: fc.Arbitrary<ItemDraft> = fc.tuple(operation, ref).map(([draft, name]) => ({ ...draft, ref: name }));

const options: fc.Arbitrary<BatchOptions> = fc
  .record({
    onError: fc.constantFrom<BatchOptions['onError']>('continue', 'stop', 'rollback'),
    return: fc.constantFrom<BatchOptions['return']>('representation', 'representation', 'minimal'),
    dryRun: fc.constantFrom(false, false, false, true),
    maxFailures: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    skipUnchanged: fc.constantFrom(false, false, true),
  })
  .map((all) => (all.onError === 'continue' ? all : { ...all, maxFailures: undefined }));

export const batch: fc.Arbitrary<BatchDraft> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      items: fc.array(item, { minLength: 1, maxLength: 16, size: 'max' }),
      options,
      keyed: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ items: dependentOperations, options, keyed: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      items: fc.tuple(upsert),
      options: fc.constant<BatchOptions>(DEFAULT_OPTIONS),
      keyed: fc.boolean(),
    }),
  },
);
