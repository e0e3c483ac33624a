import fc from 'fast-check';
import {
  batch,
  type BatchDraft,
  type Blocks,
  cleared,
  extendedBlock,
  indexedSlugs,
  letters,
  listBlock,
  listIds,
  name,
  rank,
  rankIncrement,
  type Target,
  target,
} from './batch.arbitraries';

/** A request, and how its response gets lost. */
export type CallDraft = ({ kind: 'batch' } & BatchDraft) | DuplicateDraft | ImportDraft;

export interface DuplicateDraft {
  kind: 'duplicate';
  target: Target;
  upperCase: boolean;
  keyed: boolean;
}

export interface ImportDraft {
  kind: 'import';
  objects: RowDraft[];
  options: ImportOptions | undefined;
  keyed: boolean;
  /** The first attempt with the key applies the rows and fails before it can complete the request. */
  interrupted: boolean;
}

export interface ImportOptions {
  dedupe_by?: string;
  caseInsensitive?: boolean;
  list_id?: string;
  update_existing?: boolean;
  create_missing_options?: boolean;
}

/** `code`: of its error, if it is invalid whatever the options are. */
export type RowDraft = { row: Blocks; code?: undefined } | { row: unknown; code: string };

/** Calls, and the order in which they are sent. A call with a key that is sent again is a retry. */
export interface Scenario {
  calls: CallDraft[];
  order: number[];
}

/** Two spellings of each text. */
const domain = fc.constantFrom('a.example', 'A.example', 'b.example', 'É.example', 'é.example');
const externalId = fc.constantFrom('x1', 'X1', 'x2');
const option = fc.constantFrom('won', 'Won ', 'New deal', 'NEW DEAL', 'new-deal', 'Été');
/** The last one is no option, and none derives from it. */
const optionText = fc.oneof({ weight: 8, arbitrary: option }, { weight: 1, arbitrary: fc.constant('!?') });
const optionTexts = fc.array(optionText, { maxLength: 2 });
const phase = fc.record({ phase: optionText }, { requiredKeys: [] });
const rowListBlock = fc.tuple(listBlock, phase).map(([block, more]) => ({ ...block, ...more }));

function rarely<T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | object> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary });
}

const rowBlock = fc
  .tuple(
    fc.oneof({ weight: 5, arbitrary: fc.record({ name }) }, { weight: 1, arbitrary: fc.constant({}) }),
    fc.record(
      {
        primary_domain: cleared(domain),
        external_id: cleared(externalId),
        rank: cleared(fc.oneof(rank, rankIncrement)),
        tags: cleared(letters),
      },
      { requiredKeys: [] },
    ),
    rarely(
      fc.record(
        {
          stage: optionText,
          colors: fc.oneof(optionTexts, fc.record({ _op: fc.constantFrom('append', 'remove'), values: optionTexts })),
        },
        { requiredKeys: [] },
      ),
    ),
    rarely(rowListBlock),
  )
  .map((parts): Record<string, unknown> => Object.assign({}, ...parts) as Record<string, unknown>);

const validRow: fc.Arbitrary<RowDraft> = fc
  .tuple(
    rowBlock,
    rarely(fc.record({ list: fc.dictionary(fc.constantFrom(...listIds), rowListBlock, { maxKeys: 2 }) })),
    rarely(fc.record({ extended: extendedBlock })),
  )
  .map(([block, list, extended]) => ({ row: { default: block, ...list, ...extended } }));
const invalidRow: fc.Arbitrary<RowDraft> = fc.constantFrom(
  { code: 'invalid_item', row: {} },
  { code: 'invalid_item', row: 'a row' },
  { code: 'invalid_item', row: { defaults: { name: 'x' } } },
  { code: 'unknown_property', row: { default: { name: 'x', nmae: 'x' } } },
  { code: 'invalid_property', row: { default: { name: 'x', primary_domain: 7 } } },
  { code: 'required_property', row: { default: { name: ' ' } } },
);

/** One of the last ones is invalid: an unknown property, one without a lookup, and `update_existing` without `dedupe_by`. */
const importOptions: fc.Arbitrary<ImportOptions> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record(
      {
        dedupe_by: fc.constantFrom(...indexedSlugs, 'primary_domain' as const),
        caseInsensitive: fc.boolean(),
        list_id: fc.constantFrom(...listIds),
        update_existing: fc.boolean(),
        create_missing_options: fc.boolean(),
      },
      { requiredKeys: ['dedupe_by'] },
    ),
  },
  { weight: 2, arbitrary: fc.record({ list_id: fc.constant(listIds[0]), create_missing_options: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ dedupe_by: 'unknown' }, { dedupe_by: 'location' }, { update_existing: true }),
  },
);

const importCall: fc.Arbitrary<ImportDraft> = fc.record({
  kind: fc.constant('import' as const),
  objects: fc.array(fc.oneof({ weight: 12, arbitrary: validRow }, { weight: 1, arbitrary: invalidRow }), {
    ...{ minLength: 1, maxLength: 10, size: 'max' as const },
  }),
  options: fc.option(importOptions, { nil: undefined, freq: 8 }),
  keyed: fc.boolean(),
  interrupted: fc.boolean(),
});

const duplicateCall: fc.Arbitrary<DuplicateDraft> = fc.record({
  ...{ kind: fc.constant('duplicate' as const), target },
  upperCase: fc.boolean(),
  keyed: fc.boolean(),
});

const call: fc.Arbitrary<CallDraft> = fc.oneof(
  { weight: 4, arbitrary: batch.map((draft) => ({ kind: 'batch' as const, ...draft })) },
  { weight: 1, arbitrary: duplicateCall },
  { weight: 2, arbitrary: importCall },
);

export const scenario: fc.Arbitrary<Scenario> = fc.array(call, { minLength: 1, maxLength: 3 }).chain((calls) =>
  fc.record({
    calls: fc.constant(calls),
    order: fc.array(fc.nat(calls.length - 1), { minLength: 2, maxLength: 5 }),
  }),
);
