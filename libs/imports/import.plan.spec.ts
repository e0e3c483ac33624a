import { describe, expect, it } from 'vitest';
import { ItemValidator } from '#libs/properties';
import { chunksOf, ImportPlanner, maxRowsOf } from './import.plan';

const validator = new ItemValidator('organization', [], 'reject');
const plain = { updateExisting: false };
const limits = { itemLimitBytes: 1_000, bodyBytes: 10_000, responseLimitBytes: 100_000 };
const manyErrors = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`unknown_${i}`, 1]));

describe('maxRowsOf', () => {
  it.each([
    [16_777_216, 10_000],
    [102_400, 100],
    [1, 1],
  ])('of a response of %i bytes is %i', (bytes, rows) => {
    expect(maxRowsOf(bytes)).toBe(rows);
  });
});

describe('ImportPlanner', () => {
  it('gives each new record an id of its own', () => {
    const planner = new ImportPlanner(validator, plain, limits, 2);
    const [one, two] = [planner.plan({ default: {} }), planner.plan({ default: {} })];
    expect(one).toMatchObject({ op: 'create', id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    expect(two.id).not.toBe(one.id);
  });

  it.each([
    ['no object', 7, 'invalid_item'],
    ['an unknown member', { id: 'x' }, 'invalid_item'],
    ['no block', {}, 'invalid_item'],
    ['an unknown property', { default: { nmae: 'x' } }, 'unknown_property'],
    ['a row that is too large', { default: { name: 'x'.repeat(1_000) } }, 'too_large'],
  ])('rejects %s', (_, row, code) => {
    expect(new ImportPlanner(validator, plain, limits, 1).plan(row)).toMatchObject({ op: 'reject', id: null, code });
  });

  it('keeps the details of errors as long as they fit into the response', () => {
    const planner = new ImportPlanner(validator, plain, { ...limits, responseLimitBytes: 5_500 }, 2);
    const [first, second] = [planner.plan({ default: manyErrors }), planner.plan({ default: manyErrors })].map(
      (item) => (item.op === 'reject' ? (JSON.parse(item.error) as { errors?: unknown[] }) : undefined),
    );
    expect(first?.errors?.length).toBeGreaterThan(1);
    expect(second).toEqual({ code: 'unknown_property', message: expect.any(String) as string, retryable: false });
  });

  it('has the message of the catalogue in place of one that does not fit', () => {
    const planner = new ImportPlanner(
      validator,
      plain,
      { ...limits, itemLimitBytes: 10_000, responseLimitBytes: 1_000 },
      1,
    );
    const item = planner.plan({ list: { ['\u0001'.repeat(400)]: {} } });
    expect(item.op === 'reject' && Buffer.byteLength(item.error)).toBeLessThan(768);
  });
});

describe('chunksOf', () => {
  it('has up to 100 items in a chunk', () => {
    const item = { op: 'read', id: 'x' } as const;
    expect(chunksOf(Array.from({ length: 250 }, () => item)).map(({ length }) => length)).toEqual([100, 100, 50]);
  });
});
