import { describe, expect, it } from 'vitest';
import { OTHER_LIST, lenient, changed, rejected } from './item.validator.fixture';

describe('ItemValidator.patch with unknown properties accepted', () => {
  it('stores them unchanged', () => {
    const item = { default: { size: 1, toString: { a: [1] }, gone: null }, list: { [OTHER_LIST]: { x: 'y' } } };
    expect(changed(lenient.patch(item))).toMatchObject({
      set: { size: 1, toString: { a: [1] } },
      clear: ['gone'],
      list: { [OTHER_LIST]: { set: { x: 'y' } } },
    });
  });

  it('rejects values that cannot be stored, and operators', () => {
    const block: unknown = JSON.parse(
      '{"a":{"b":"\\u0000"},"\\u0000":1,"__proto__":1,"c":{"_op":"append","values":[]}}',
    );
    expect(rejected(lenient.patch({ default: block }))).toMatchObject({
      code: 'invalid_property',
      fields: ['.default.a.b', '.default["\\u0000"]', '.default.__proto__', '.default.c'],
    });
  });

  it('validates the known properties', () => {
    expect(rejected(lenient.patch({ default: { size: 'x' } })).code).toBe('invalid_property');
  });
});
