import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { elementsOf } from './json.elements';

it('returns the text of each element of an array', () => {
  const element = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.integer());
  fc.assert(
    fc.property(fc.array(element), fc.constantFrom(0, 2), (elements, indent) => {
      const texts = elements.map((one) => JSON.stringify(one, null, indent));
      expect(elementsOf(`[${texts.join(', ')}]`, 0)).toEqual(texts);
    }),
  );
});

it('throws on an array that does not end', () => {
  expect(() => elementsOf('[{"a": 1}', 0)).toThrow('no end');
  expect(() => elementsOf('["a', 0)).toThrow('no end');
});
