import { describe, expect, it } from 'vitest';
import { CanonicalJsonWriter } from './canonical-json';

function piecesOf(value: unknown): string[] {
  const pieces: string[] = [];
  const writer = new CanonicalJsonWriter(value, (piece) => pieces.push(piece));
  while (writer.advance());
  return pieces;
}

const canonicalJson = (value: unknown): string => piecesOf(value).join('');

describe('canonical JSON', () => {
  it('writes the example of RFC 8785, section 3.2.2', () => {
    const text = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonicalJson(JSON.parse(text))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts as in RFC 8785, section 3.2.3', () => {
    const text = String.raw`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`;
    expect(canonicalJson(JSON.parse(text))).toBe('{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  });

  it('reads a member named __proto__ as any other', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"a":1},"0":2}'))).toBe('{"0":2,"__proto__":{"a":1}}');
  });

  it('is written in pieces of bounded length, however many values there are', () => {
    const value = { a: Array.from({ length: 100_000 }, (_, i) => ({ i, s: '€' })), b: ['x'.repeat(200_000), {}] };
    const pieces = piecesOf(value);
    expect(pieces.join('')).toBe(JSON.stringify(value));
    expect(pieces.length).toBeGreaterThan(20);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(300_000);
  });
});
