import { describe, expect, it } from 'vitest';
import { isSlug, RESERVED_SLUGS, slugOfName } from './slug.rules';

describe('isSlug', () => {
  it.each(['a', '9', 'shoe_size', 'a-b', 'a'.repeat(64)])('accepts %s', (slug) => {
    expect(isSlug(slug)).toBe(true);
  });

  it.each(['', '_a', '-a', 'A', 'ä', 'a b', 'a.b', 'a\n', '__proto__', 'a'.repeat(65)])('rejects %j', (slug) => {
    expect(isSlug(slug)).toBe(false);
  });
});

describe('slugOfName', () => {
  const free = (): boolean => false;

  it.each([
    ['Shoe size', 'shoe_size'],
    ['  Größe (cm)!  ', 'gro_e_cm'],
    ['Émile', 'emile'],
    ['ＡＢＣ １', 'abc_1'],
    ['2nd phone', '2nd_phone'],
    ['x'.repeat(100), 'x'.repeat(64)],
    [`${'x'.repeat(63)} y`, 'x'.repeat(63)],
  ])('of %j is %j', (name, slug) => {
    expect(slugOfName(name, free)).toBe(slug);
    expect(isSlug(slug)).toBe(true);
  });

  it('is undefined for a name without letters and digits of ASCII', () => {
    expect(slugOfName('客户 !', free)).toBeUndefined();
  });

  it('ends with a number if the slug is taken, within the length limit', () => {
    const taken = new Set(['score', 'score_2']);
    expect(slugOfName('Score', (slug) => taken.has(slug))).toBe('score_3');
    expect(slugOfName('Limit', (slug) => RESERVED_SLUGS.has(slug))).toBe('limit_2');
    const long = 'x'.repeat(64);
    expect(slugOfName(long, (slug) => slug === long)).toBe(`${'x'.repeat(62)}_2`);
  });
});
