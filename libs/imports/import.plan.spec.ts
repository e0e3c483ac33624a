import { describe, expect, it } from 'vitest';
import { ItemValidator, MissingOptions, NO_USAGE, type PropertyDefinition } from '#libs/properties';
import { ImportPlanner, maxRowsOf } from './import.plan';

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

const property = (slug: string, extra: Partial<PropertyDefinition>): PropertyDefinition => ({
  ...{ id: `id of ${slug}`, slug, type: 'select_str', name: slug, required: false, native: false, locked: false },
  ...{ list_id: null, lookup: 'indexed', lookup_state: 'ready', options: [], ...extra },
});

it('the errors of rows that match no record fit into the response as well', () => {
  const required = Array.from({ length: 20 }, (_, n) => property(`r${n}`.padEnd(64, 'r'), { required: true }));
  const domain = property('domain', { type: 'str' });
  const mode = { dedupe: { definition: domain, fold: true }, updateExisting: false };
  const ofTeam = new ItemValidator('organization', [domain, ...required], 'reject');
  const planner = new ImportPlanner(ofTeam, mode, { ...limits, responseLimitBytes: 110_000 }, 100);
  const errors = Array.from({ length: 100 }, (_, n) => planner.plan({ default: { domain: `d${n}` } })).map((item) =>
    'absent' in item ? item.absent.error : '',
  );
  expect(JSON.parse(errors[0] ?? '')).toHaveProperty('errors.length', 20);
  expect(JSON.parse(errors[99] ?? '')).toMatchObject({ code: 'required_property' });
  expect(JSON.parse(errors[99] ?? '')).not.toHaveProperty('errors');
  expect(Buffer.byteLength(errors.join(''))).toBeLessThan(110_000);
});

describe('ImportPlanner that creates options', () => {
  const domain = property('domain', { type: 'str' });
  const level = property('level', {});
  const definitions = [property('name', { type: 'str', required: true }), property('stage', {}), domain, level];

  it.each([
    ['without a value to look for', domain, {}, 'reject', []],
    ['with null in its place', domain, { domain: null }, 'reject', []],
    ['with a value that is too long to look for', domain, { domain: 'x'.repeat(9_000) }, 'reject', []],
    ['without a value, but valid', domain, { name: 'A' }, 'create', ['New']],
    ['with a value of a record that may exist', domain, { domain: 'a.example' }, 'update', ['New']],
    ['with a new option to look for', level, { level: 'Gold' }, 'update', ['New', 'Gold']],
    ['without `default`', level, undefined, 'reject', []],
  ])('plans the options of a row %s only if the row can be written', (_, definition, block, op, planned) => {
    const missing = new MissingOptions('organization', definitions, 'reject', NO_USAGE);
    const mode = { dedupe: { definition, fold: true }, updateExisting: true, missing };
    const planner = new ImportPlanner(validator, mode, { ...limits, itemLimitBytes: 10_000 }, 1);
    const item = planner.plan(block === undefined ? { extended: {} } : { default: { stage: 'New', ...block } });
    expect(item.op).toBe(op);
    expect(missing.planned.map(({ option }) => option.value)).toEqual(planned);
  });
});
