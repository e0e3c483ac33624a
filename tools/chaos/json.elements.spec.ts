import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { elementsOf } from './json.elements';

it('finds each element of an array as it is written', () => {
  const element = fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.integer());
  fc.assert(
    fc.property(fc.array(element), fc.constantFrom(0, 2), (elements, indent) => {
      const texts = elements.map((one) => JSON.stringify(one, null, indent));
      expect(elementsOf(`[${texts.join(', ')}]`, 0)).toEqual(texts);
    }),
  );
});

it('refuses an array that does not end', () => {
  expect(() => elementsOf('[{"a": 1}', 0)).toThrow('no end');
  expect(() => elementsOf('["a', 0)).toThrow('no end');
});
