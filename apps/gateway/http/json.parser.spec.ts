import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlicedJsonParser } from './json.parser';

function parse(text: string, sliceBytes: number): { value: unknown; steps: number } {
  const parser = new SlicedJsonParser(Buffer.from(text), sliceBytes, false);
  let steps = 1;
  while (parser.advance()) steps += 1;
  return { value: parser.value, steps };
}

/** The text of a value as JSON.parse reads it; undefined if it is not JSON. */
function reference(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function sliced(text: string, sliceBytes: number): string | undefined {
  try {
    return JSON.stringify(parse(text, sliceBytes).value);
  } catch {
    return undefined;
  }
}

/** Keys that are rejected although JSON.parse accepts them. */
const POLLUTING = /__proto__|constructor/;
const sliceSizes = fc.constantFrom(1, 2, 5, 16, 64, 1_000);

describe('JSON parsed in slices', () => {
  it('has the value that JSON.parse returns, for every slice size', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), sliceSizes, fc.constantFrom('', ' ', '\n\t'), (json, size, space) => {
        const text = JSON.stringify(JSON.parse(json), undefined, space);
        fc.pre(!POLLUTING.test(text));
        expect(sliced(text, size)).toBe(reference(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is rejected if and only if JSON.parse rejects it', { timeout: 60_000 }, () => {
    const characters = fc.constantFrom(...'[ ] { } , : " \\ 1 - . e E t f n'.split(' '), ' ', '\n');
    const edit = fc.tuple(fc.nat(), fc.constantFrom('insert', 'replace', 'remove'), characters);
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }),
        sliceSizes,
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (json, size, edits) => {
          let text = json;
          for (const [place, kind, character] of edits) {
            const at = text.length === 0 ? 0 : place % text.length;
            const rest = kind === 'insert' ? text.slice(at) : text.slice(at + 1);
            text = text.slice(0, at) + (kind === 'remove' ? '' : character) + rest;
          }
          fc.pre(!POLLUTING.test(text));
          expect([text, sliced(text, size)]).toEqual([text, reference(text)]);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it.each(['{"a":[1,2,3],"a":{"b":[4,5]},"c":0}', '{"b":1,"a":[1,2],"b":[3,4]}', '{"2":[1,1],"1":[2,2],"a":[3,3]}'])(
    'keeps the order of members, and the last of those with one name: %s',
    (text) => {
      for (const size of [1, 4, 100]) expect(sliced(text, size)).toBe(reference(text));
    },
  );

  it('parses a large array in many steps', () => {
    const { value, steps } = parse(JSON.stringify({ items: Array.from({ length: 1_000 }, (_, n) => n) }), 100);
    expect(value).toHaveProperty('items.length', 1_000);
    expect(steps).toBeGreaterThan(30);
  });

  it.each([
    '{"__proto__":[1,2,3]}',
    '{"\\u005f_proto__":[1,2,3]}',
    '[{"a":{"__proto__":[1,2,3]}}]',
    '{"a":[1,2],"__proto__":1}',
  ])('rejects a __proto__ key between slices: %s', (text) => {
    for (const size of [1, 4, 100]) expect(() => parse(text, size)).toThrow('"__proto__"');
  });

  it.each(['{"constructor":{"a":[1,2],"prototype":{"b":[1,2]}}}', '{"constructor":{"prototype":[1,2,3]}}'])(
    'rejects a constructor.prototype key between slices: %s',
    (text) => {
      for (const size of [1, 4, 100]) expect(() => parse(text, size)).toThrow('"constructor.prototype"');
    },
  );
});
