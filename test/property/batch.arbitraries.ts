import fc from 'fast-check';
import type { BatchOptions } from '#libs/records';

type Block = Record<string, unknown>;

/** The record of an item, by index in the fixture. */
export type Target = number;

/** The etag in `if_match`: the current one, one of a lost change, or a weak one. */
export type IfMatch = 'current' | 'lost' | 'weak' | 'any' | 'none';

export type ItemDraft = OperationDraft & { ref?: string | undefined };

type OperationDraft =
  | { kind: 'patch'; target: Target; upperCase: boolean; ifMatch: IfMatch; blocks: Blocks }
  | { kind: 'delete'; target: Target; ifMatch: IfMatch }
  | { kind: 'restore'; target: Target; ifMatch: IfMatch }
  | { kind: 'create'; target: Target; default: { name: string } }
  | { kind: 'invalid'; target: Target; fault: Fault };

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

/** Batches, and the order in which they are sent. A keyed batch that is sent again is a retry. */
export interface Scenario {
  batches: BatchDraft[];
  order: number[];
}

/** Lists whose properties are `score` (num) and `labels` (multi_str). */
export const listIds = ['1c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a', '2c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a'] as const;

/** The number of targets. Those below `liveTargets` are live records, the others cannot be updated. */
export const targets = 7;
export const liveTargets = 3;

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((value) => !value.includes('\0'));
/** Of a required property: never blank. */
const name = text.filter((value) => value.trim() !== '');
const letters = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'é', '"'), { maxLength: 4 });
const operator = fc.record({ _op: fc.constantFrom('append', 'remove'), values: letters });
const stage = fc.constantFrom('lead', 'qualified', 'won');
const integer = fc.integer({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER });

const increment = fc.record({
  _op: fc.constant('increment'),
  by: fc.oneof(
    fc.constantFrom(0, 1, -1, 0.1, 0.2, -2.5, 1e-7),
    integer,
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
  ),
});

function cleared<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
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
const listBlock = fc.record(
  {
    score: cleared(fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), increment)),
    labels: cleared(fc.oneof(letters, operator)),
  },
  { requiredKeys: [] },
);
const extendedBlock = fc.dictionary(
  fc.constantFrom('a', 'b', 'key "c"'),
  cleared(fc.oneof(text, integer, letters, operator)),
  {
    maxKeys: 2,
  },
);
const blocks: fc.Arbitrary<Blocks> = fc.oneof(
  fc.record({ default: defaultBlock }),
  fc.record(
    {
      default: defaultBlock,
      list: fc.dictionary(fc.constantFrom(...listIds), listBlock, { maxKeys: 2 }),
      extended: extendedBlock,
    },
    { requiredKeys: [] },
  ),
);

const target = fc.oneof(
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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), target, ifMatch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore' as const), target, ifMatch }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('create' as const), target, default: fc.record({ name }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('invalid' as const), target, fault }) },
);

const ref = fc.option(fc.constantFrom('', 'row 1', 'é "\\" \u2028 \u0001', '😀'.repeat(64)), { nil: undefined });
const item: fc.Arbitrary<ItemDraft> = fc.tuple(operation, ref).map(([draft, name]) => ({ ...draft, ref: name }));

const options: fc.Arbitrary<BatchOptions> = fc
  .record({
    onError: fc.constantFrom<BatchOptions['onError']>('continue', 'stop', 'rollback'),
    return: fc.constantFrom<BatchOptions['return']>('representation', 'representation', 'minimal'),
    dryRun: fc.constantFrom(false, false, false, true),
    maxFailures: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    skipUnchanged: fc.boolean(),
  })
  .map((all) => (all.onError === 'continue' ? all : { ...all, maxFailures: undefined }));

const batch: fc.Arbitrary<BatchDraft> = fc.record({
  items: fc.array(item, { minLength: 1, maxLength: 12 }),
  options,
  keyed: fc.boolean(),
});

export const scenario: fc.Arbitrary<Scenario> = fc.array(batch, { minLength: 1, maxLength: 3 }).chain((batches) =>
  fc.record({
    batches: fc.constant(batches),
    order: fc.array(fc.nat(batches.length - 1), { minLength: 2, maxLength: 5 }),
  }),
);
