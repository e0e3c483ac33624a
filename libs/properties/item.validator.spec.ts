import { describe, expect, it } from 'vitest';
import type { Json } from '#libs/json';
import type { ItemBlocks } from './item.change';
import { ItemValidator } from './item.validator';
import { LIST, OTHER_LIST, RED, BLUE, ID, property, validator, changed, rejected } from './item.validator.fixture';

/** The single error of a patch of `default`. */
function errorOf(block: Record<string, unknown>): [code: string, field: string] {
  const { code, fields } = rejected(validator.patch({ default: block }));
  expect(fields).toHaveLength(1);
  return [code, fields[0] ?? ''];
}

describe('ItemValidator.patch', () => {
  it('changes nothing without blocks', () => {
    const nothing = { set: null, clear: null, ops: null, list: null, extended: null };
    expect(changed(validator.patch({}))).toEqual(nothing);
    expect(changed(validator.patch({ default: {}, list: { [LIST]: {} }, extended: {} }))).toEqual(nothing);
  });

  it('sets, clears, appends and removes', () => {
    const block = {
      name: 'Acme',
      notes: null,
      tags: { _op: 'append', values: ['a', 'b', 'a'] },
      colors: { values: [BLUE], _op: 'remove' },
    };
    expect(changed(validator.patch({ default: block }))).toEqual({
      set: { name: 'Acme' },
      clear: ['notes'],
      ops: { tags: { op: 'append', values: ['a', 'b'] }, colors: { op: 'remove', values: ['blue'] } },
      list: null,
      extended: null,
    });
  });

  it.each<[slug: string, value: unknown, stored: Json]>([
    ['name', ' x ', ' x '],
    ['notes', ' ', ' '],
    ['notes', '🙂 𝒳', '🙂 𝒳'],
    ['size', -0.5, -0.5],
    ['size', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ['size', Number.MIN_SAFE_INTEGER, Number.MIN_SAFE_INTEGER],
    ['open', false, false],
    ['day', '2026-02-28', '2026-02-28'],
    ['day', '2026-02-28t01:02:03+01:00', '2026-02-28t01:02:03+01:00'],
    ['color', 'red', 'red'],
    ['color', BLUE, 'blue'],
    ['color', BLUE.toUpperCase(), 'blue'],
    ['colors', ['blue', RED, 'blue', BLUE], ['blue', 'red']],
    ['colors', [], []],
    ['tags', ['b', 'a', 'b'], ['b', 'a']],
    ['blob', { a: [1, null, { b: 'c' }] }, { a: [1, null, { b: 'c' }] }],
    ['blob', [], []],
    ['company', ID.toUpperCase(), ID],
    ['companies', [ID, ID.toUpperCase()], [ID]],
  ])('stores %s: %j as %j', (slug, value, stored) => {
    expect(changed(validator.patch({ default: { [slug]: value } })).set).toEqual({ [slug]: stored });
  });

  it.each<[slug: string, value: unknown, code: string, below: string]>([
    ['name', 5, 'invalid_property', ''],
    ['name', ['x'], 'invalid_property', ''],
    ['name', 'a\0b', 'invalid_property', ''],
    ['notes', '\ud800', 'invalid_property', ''],
    ['size', '5', 'invalid_property', ''],
    ['size', Number.MAX_SAFE_INTEGER + 1, 'invalid_property', ''],
    ['size', -1e300, 'invalid_property', ''],
    ['size', Infinity, 'invalid_property', ''],
    ['size', NaN, 'invalid_property', ''],
    ['open', 'true', 'invalid_property', ''],
    ['open', 1, 'invalid_property', ''],
    ['day', '2026-02-30', 'invalid_property', ''],
    ['day', 20260228, 'invalid_property', ''],
    ['color', 'green', 'unknown_option', ''],
    ['color', 'constructor', 'unknown_option', ''],
    ['color', '\0', 'invalid_property', ''],
    ['color', '\ud800', 'invalid_property', ''],
    ['colors', ['red', 'a\0'], 'invalid_property', '[1]'],
    ['color', ['red'], 'invalid_property', ''],
    ['colors', 'red', 'invalid_property', ''],
    ['colors', ['red', 'green'], 'unknown_option', '[1]'],
    ['colors', [null], 'invalid_property', '[0]'],
    ['tags', ['a', 1], 'invalid_property', '[1]'],
    ['tags', ['a', '\udc00'], 'invalid_property', '[1]'],
    ['tags', { length: 0 }, 'invalid_property', ''],
    ['blob', { a: { b: [0, 0, 0, '\0'] } }, 'invalid_property', '.a.b[3]'],
    ['blob', { a: { b: [1e16] } }, 'invalid_property', '.a.b[0]'],
    ['blob', { 'a\0': 1 }, 'invalid_property', '["a\\u0000"]'],
    ['blob', { '\ud800': 1 }, 'invalid_property', '["\\ud800"]'],
    ['blob', { 'odd key.': ['\0'] }, 'invalid_property', '["odd key."][0]'],
    ['blob', JSON.parse('{"__proto__": 1}'), 'invalid_property', '.__proto__'],
    ['company', 'acme', 'invalid_property', ''],
    ['company', `${ID} `, 'invalid_property', ''],
    ['companies', [ID, 5], 'invalid_property', '[1]'],
    ['created_at', '2026-02-28', 'invalid_property', ''],
    ['created_at', null, 'invalid_property', ''],
    ['name', null, 'required_property', ''],
    ['name', '', 'required_property', ''],
    ['name', ' \t\n\u3000', 'required_property', ''],
    ['constructor', 'x', 'unknown_property', ''],
    ['toString', 'x', 'unknown_property', ''],
    ['Name', 'x', 'unknown_property', ''],
    ['owner', 'x', 'unknown_property', ''],
  ])('rejects %s: %j as %s', (slug, value, code, below) => {
    expect(errorOf({ [slug]: value })).toEqual([code, `.default.${slug}${below}`]);
  });

  it.each<[operator: Record<string, unknown>, field: string]>([
    [{ _op: 'prepend', values: [] }, '.default.tags._op'],
    [{ _op: null, values: [] }, '.default.tags._op'],
    [{ _op: 'append' }, '.default.tags.values'],
    [{ _op: 'append', values: 'a' }, '.default.tags.values'],
    [{ _op: 'append', values: ['a', 1] }, '.default.tags.values[1]'],
    [{ _op: 'append', values: ['\0'] }, '.default.tags.values[0]'],
    [{ _op: 'append', values: ['a'], at: 1 }, '.default.tags'],
  ])('rejects the operator %j', (operator, field) => {
    expect(errorOf({ tags: operator })).toEqual(['invalid_property', field]);
  });

  it('accepts 1,000 values in an operator and rejects 1,001', () => {
    const values = Array.from({ length: 1_000 }, (_, n) => `v${n}`);
    expect(changed(validator.patch({ default: { tags: { _op: 'remove', values } } })).ops?.tags).toEqual({
      op: 'remove',
      values,
    });
    expect(errorOf({ tags: { _op: 'append', values: [...values, 'a'] } })).toEqual([
      'invalid_property',
      '.default.tags.values',
    ]);
  });

  it('marks an operation that must leave elements, and rejects an empty required list', () => {
    const strict = new ItemValidator('deal', [property('tags', 'multi_str', { required: true })], 'reject');
    expect(changed(strict.patch({ default: { tags: { _op: 'remove', values: ['a'] } } })).ops).toEqual({
      tags: { op: 'remove', values: ['a'], required: true },
    });
    expect(rejected(strict.patch({ default: { tags: [] } }))).toMatchObject({
      code: 'required_property',
      fields: ['.default.tags'],
    });
  });

  it('accepts an increment of a number, even in a list block, and remembers its field', () => {
    const block = { _op: 'increment', by: -2.5 };
    expect(changed(validator.patch({ default: { size: block } })).ops).toEqual({
      size: { op: 'increment', by: -2.5, field: '.default.size' },
    });
    expect(changed(validator.patch({ list: { [LIST]: { rating: block } } })).list?.[LIST]?.ops).toEqual({
      rating: { op: 'increment', by: -2.5, field: `.list.${LIST}.rating` },
    });
    expect(changed(validator.create({ default: { name: 'x', size: block } })).set).toEqual({ name: 'x', size: -2.5 });
  });

  it.each<[operator: Record<string, unknown>, field: string]>([
    [{ _op: 'append', values: [1] }, '.default.size._op'],
    [{ _op: 'increment' }, '.default.size.by'],
    [{ _op: 'increment', by: '1' }, '.default.size.by'],
    [{ _op: 'increment', by: null }, '.default.size.by'],
    [{ _op: 'increment', by: Infinity }, '.default.size.by'],
    [{ _op: 'increment', by: 2 ** 53 }, '.default.size.by'],
    [{ _op: 'increment', by: 1, values: [] }, '.default.size'],
  ])('rejects the increment %j', (operator, field) => {
    expect(errorOf({ size: operator })).toEqual(['invalid_property', field]);
  });

  it('rejects an increment of a property that is no number', () => {
    const increment = { _op: 'increment', by: 1 };
    expect(errorOf({ notes: increment })).toEqual(['invalid_property', '.default.notes']);
    expect(errorOf({ tags: increment })).toEqual(['invalid_property', '.default.tags._op']);
  });

  it.each(['name', 'blob', 'company', 'color'])('rejects an operator on %s, which holds one value', (slug) => {
    expect(errorOf({ [slug]: { _op: 'append', values: ['a'] } })).toEqual(['invalid_property', `.default.${slug}`]);
  });

  it('validates list blocks against the properties of their list, with its id in any case', () => {
    const block = { rating: 4, owner: 'x', places: { _op: 'remove', values: ['b'] } };
    expect(changed(validator.patch({ list: { [LIST.toUpperCase()]: block } })).list).toEqual({
      [LIST]: { set: { rating: 4, owner: 'x' }, clear: null, ops: { places: { op: 'remove', values: ['b'] } } },
    });
    expect(rejected(validator.patch({ list: { [LIST]: { owner: null, name: 'x', rating: 'y' } } }))).toMatchObject({
      code: 'required_property',
      fields: [`.list.${LIST}.owner`, `.list.${LIST}.name`, `.list.${LIST}.rating`],
    });
    expect(rejected(validator.patch({ list: { [OTHER_LIST]: { rating: 4 } } }))).toMatchObject({
      code: 'unknown_property',
      fields: [`.list.${OTHER_LIST}.rating`],
    });
  });

  it('merges extended by top-level key', () => {
    const extended = { a: { b: null }, c: null, '': [] };
    expect(changed(validator.patch({ extended })).extended).toEqual({ set: { a: { b: null }, '': [] }, clear: ['c'] });
    expect(rejected(validator.patch({ extended: { a: { b: [0, 0, 0, 1e16] } } }))).toMatchObject({
      code: 'invalid_property',
      fields: ['.extended.a.b[3]'],
    });
  });

  it.each<[item: ItemBlocks, field: string]>([
    [{ default: null }, '.default'],
    [{ default: [] }, '.default'],
    [{ default: 'x' }, '.default'],
    [{ list: null }, '.list'],
    [{ list: [{}] }, '.list'],
    [{ list: { pipeline: {} } }, '.list.pipeline'],
    [{ list: { [LIST]: null } }, `.list.${LIST}`],
    [{ list: { [LIST]: [] } }, `.list.${LIST}`],
    [{ list: { [LIST]: {}, [LIST.toUpperCase()]: {} } }, `.list.${LIST.toUpperCase()}`],
    [{ extended: null }, '.extended'],
    [{ extended: [1] }, '.extended'],
  ])('rejects the malformed blocks %j', (item, field) => {
    expect(rejected(validator.patch(item))).toMatchObject({ code: 'invalid_item', fields: [field] });
  });

  it('reports every error, with the code of the first', () => {
    const item = { default: { color: 'green', size: 'x', nmae: 1 }, list: { x: {} }, extended: { a: '\0' } };
    expect(validator.patch(item)).toMatchObject({
      code: 'unknown_option',
      errors: [
        { field: '.default.color', code: 'unknown_option' },
        { field: '.default.size', code: 'invalid_property' },
        { field: '.default.nmae', code: 'unknown_property' },
        { field: '.list.x', code: 'invalid_item' },
        { field: '.extended.a', code: 'invalid_property' },
      ],
    });
  });

  it('reports at most 20 errors', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`p${index}`, 1]));
    expect(rejected(validator.patch({ default: many })).fields).toHaveLength(20);
    expect(rejected(validator.patch({ default: { tags: Array(1_000).fill(1) } })).fields).toHaveLength(20);
  });

  it('names what is allowed and never repeats the value', () => {
    const secret = 'hunter2'.repeat(1_000);
    const block = { color: secret, day: secret, company: secret, nmae: secret, size: secret, tags: secret };
    const { messages } = rejected(validator.patch({ default: block }));
    expect(messages.join()).not.toContain('hunter2');
    expect(messages[0]).toContain('use red, blue');
    expect(messages[3]).toContain('did you mean name?');
  });

  it('suggests slugs for the first unknown ones of a request only', () => {
    const ofRequest = validator.forRequest();
    const suggestions = Array.from({ length: 100 }, (_, n) => ofRequest.patch({ default: { [`name${n % 10}`]: 1 } }))
      .flatMap((validation) => rejected(validation).messages)
      .filter((message) => message.includes('did you mean name?'));
    expect(suggestions).toHaveLength(50);
  });

  it('truncates a long key in the field path', () => {
    const [field = ''] = rejected(validator.patch({ default: { ['k'.repeat(10_000)]: 1 } })).fields;
    expect(field.length).toBeLessThan(100);
  });

  it('truncates a long field path', () => {
    let value: unknown = '\0';
    for (let level = 0; level < 20; level += 1) value = { [`"${'k'.repeat(60)}`]: value };
    const { fields, messages } = rejected(validator.patch({ default: { blob: value } }));
    expect(fields[0]).toMatch(/^\.default\.blob.{100,}…$/);
    expect(fields[0]?.length).toBeLessThanOrEqual(257);
    expect(messages[0]?.length).toBeLessThan(400);
  });

  it('lists at most ten options', () => {
    const options = Array.from({ length: 12 }, (_, n) => ({ id: `id-${n}`, slug: `o${n}`, value: '' }));
    const many = new ItemValidator('deal', [property('stage', 'select_str', { options })], 'reject');
    const [message] = rejected(many.patch({ default: { stage: 'x' } })).messages;
    expect(message).toMatch(/use o0, .*, o9 or one of 2 more$/);
  });
});
