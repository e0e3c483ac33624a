import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#libs/json';
import type { BlockChange, ItemBlocks } from './item.change';
import { LIST, OTHER_LIST, RED, BLUE, ID, definitions, validator, lenient, changed } from './item.validator.fixture';

const slugs = fc.oneof(
  fc.constantFrom(...definitions.map(({ slug }) => slug), '__proto__', 'constructor', 'nope'),
  fc.string({ unit: 'binary' }),
);
const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constantFrom<unknown>('red', RED, BLUE.toUpperCase(), '2026-02-28', '\ud800', 'a\0', 2 ** 53, null, true),
  fc.array(fc.oneof(fc.constantFrom('red', RED, 'blue', ID, 'a', 'b'), fc.jsonValue())),
  fc.record({
    _op: fc.constantFrom('append', 'remove', 'x'),
    values: fc.array(fc.constantFrom<Json>('a', 'b', 'red', ID, 1)),
  }),
);
const blocks = fc.oneof(
  { weight: 9, arbitrary: fc.dictionary(slugs, values) },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const items = fc.record(
  {
    default: blocks,
    list: fc.dictionary(fc.constantFrom(LIST, LIST.toUpperCase(), OTHER_LIST, 'x'), blocks),
    extended: blocks,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<ItemBlocks>; // fast-check types absent members as undefined
const validators = fc.constantFrom(validator, lenient);
const purposes = fc.constantFrom<'patch' | 'create'>('patch', 'create');

function emptyBlock(): BlockChange {
  return { set: null, clear: null, ops: null };
}

describe('validation of any item', () => {
  it('returns a change or errors, which Postgres can always store', () => {
    fc.assert(
      fc.property(validators, purposes, items, (which, purpose, item) => {
        const validation = which[purpose](item);
        const text = JSON.stringify(validation);
        expect(text).not.toMatch(/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/);
        if ('change' in validation) return;
        expect(validation.errors.length).toBeGreaterThan(0);
        expect(validation.errors.length).toBeLessThanOrEqual(20);
        expect(validation.errors[0]?.code).toBe(validation.code);
        for (const { field } of validation.errors) expect(field).toMatch(/^\.(default|list|extended)/);
      }),
      { numRuns: 500 },
    );
  });

  it('returns the same change for the values that it set', () => {
    fc.assert(
      fc.property(validators, items, (which, item) => {
        const validation = which.patch(item);
        if ('errors' in validation) return;
        const { set, extended } = validation.change;
        const again = changed(which.patch({ default: set ?? {}, extended: extended?.set ?? {} }));
        expect(again.set).toEqual(set);
        expect(again.extended?.set ?? {}).toEqual(extended?.set ?? {});
        expect(again.clear).toBeNull();
      }),
    );
  });

  it('does not modify the item', () => {
    fc.assert(
      fc.property(purposes, items, (purpose, item) => {
        const before = structuredClone(item);
        validator[purpose](item);
        expect(item).toEqual(before);
      }),
    );
  });

  it('creates the same content as a patch of an empty record', () => {
    const named = fc.dictionary(fc.constantFrom('notes', 'tags', 'colors', 'size', 'blob'), values);
    fc.assert(
      fc.property(named, (block) => {
        const item = { default: { name: 'x', ...block } };
        const patch = validator.patch(item);
        const create = validator.create(item);
        if ('errors' in patch) {
          expect(create).toEqual(patch);
          return;
        }
        const set = { ...patch.change.set };
        for (const [slug, operation] of Object.entries(patch.change.ops ?? {})) {
          if (operation.op === 'append') set[slug] = operation.values;
          if (operation.op === 'increment') set[slug] = operation.by;
        }
        expect(create).toEqual({ change: { ...emptyBlock(), set, list: null, extended: null } });
      }),
    );
  });
});
