import { describe, expect, it } from 'vitest';
import type { ItemBlocks } from './item.change';
import { ItemValidator } from './item.validator';
import { LIST, property, validator, changed, rejected } from './item.validator.fixture';

describe('ItemValidator.create', () => {
  it('only sets: drops nulls and applies operators to an empty value', () => {
    const block = {
      name: 'Acme',
      notes: null,
      tags: { _op: 'append', values: ['a', 'a'] },
      colors: { _op: 'remove', values: ['red'] },
    };
    expect(changed(validator.create({ default: block, extended: { a: 1, b: null } }))).toEqual({
      set: { name: 'Acme', tags: ['a'] },
      clear: null,
      ops: null,
      list: null,
      extended: { set: { a: 1 }, clear: [] },
    });
  });

  it.each<ItemBlocks>([
    {},
    { default: {} },
    { default: { name: null } },
    { default: { name: ' ' } },
    { default: { size: 1 } },
  ])('rejects %j, which lacks a required property', (item) => {
    expect(rejected(validator.create(item))).toMatchObject({ code: 'required_property', fields: ['.default.name'] });
  });

  it('reports a required property once if its value is invalid', () => {
    expect(rejected(validator.create({ default: { name: 5 } }))).toMatchObject({
      code: 'invalid_property',
      fields: ['.default.name'],
    });
  });

  it('requires the required properties of each list in the item', () => {
    expect(rejected(validator.create({ default: { name: 'x' }, list: { [LIST]: { rating: 1 } } }))).toMatchObject({
      code: 'required_property',
      fields: [`.list.${LIST}.owner`],
    });
  });

  it('does not accept an operator without elements for a required property', () => {
    const strict = new ItemValidator('deal', [property('tags', 'multi_str', { required: true })], 'reject');
    for (const tags of [[], { _op: 'remove', values: [] }, { _op: 'append', values: [] }]) {
      expect(rejected(strict.create({ default: { tags } })).code).toBe('required_property');
    }
    expect(changed(strict.create({ default: { tags: { _op: 'append', values: ['a'] } } })).set).toEqual({
      tags: ['a'],
    });
  });
});
