import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { SlugSuggestions, suggestSlug } from './slug.suggestion';

const slugs = ['name', 'stage', 'notes', 'primary_domain', 'website', 'linkedin'];

describe('suggestSlug', () => {
  it.each([
    ['stagee', 'stage'],
    ['Stage', 'stage'],
    ['note', 'notes'],
    ['primary_domian', 'primary_domain'],
    ['linkdin', 'linkedin'],
  ])('suggests for %s the slug %s', (unknownSlug, slug) => {
    expect(suggestSlug(unknownSlug, slugs)).toBe(slug);
  });

  it.each(['owner', 'x', '', 'constructor', 'nm', 'n'.repeat(100_000)])('suggests nothing for %.20s', (unknownSlug) => {
    expect(suggestSlug(unknownSlug, slugs)).toBeUndefined();
  });
});

/** The Levenshtein distance by its definition. */
function distance(from: string, to: string): number {
  if (from === '' || to === '') return from.length + to.length;
  const [a, b] = [from.slice(1), to.slice(1)];
  if (from.startsWith(to.slice(0, 1))) return distance(a, b);
  return 1 + Math.min(distance(a, b), distance(a, to), distance(from, b));
}

it('suggests a slug if and only if it has at most two differences', () => {
  const slug = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 7 });
  fc.assert(
    fc.property(slug, slug, (unknownSlug, known) => {
      expect(suggestSlug(unknownSlug, [known])).toBe(distance(unknownSlug, known) <= 2 ? known : undefined);
    }),
    { numRuns: 1_000 },
  );
});

it('the suggestions of a request compare the first five unknown slugs with all slugs', () => {
  const known = new Map(slugs.map((slug) => [slug, 0]));
  const compared = vi.spyOn(known, 'keys');
  const suggestions = new SlugSuggestions();
  const unknownSlugs = ['stagee', 'notess', 'namee', 'websit', 'linkdin', 'stag', 'nam'];
  const given = [...unknownSlugs, ...unknownSlugs].map((slug) => suggestions.of(slug, known));
  const first = ['stage', 'notes', 'name', 'website', 'linkedin', undefined, undefined];
  expect(given).toEqual([...first, ...first]);
  expect(compared).toHaveBeenCalledTimes(5);
});
