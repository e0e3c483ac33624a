import { describe, expect, it } from 'vitest';
import { suggestSlug } from './slug.suggestion';

const slugs = ['name', 'stage', 'notes', 'primary_domain', 'website', 'linkedin'];

describe('suggestSlug', () => {
  it.each([
    ['stagee', 'stage'],
    ['Stage', 'stage'],
    ['note', 'notes'],
    ['primary_domian', 'primary_domain'],
    ['linkdin', 'linkedin'],
  ])('suggests for %s the slug %s', (mistaken, slug) => {
    expect(suggestSlug(mistaken, slugs)).toBe(slug);
  });

  it.each(['owner', 'x', '', 'constructor', 'nm', 'n'.repeat(100_000)])('suggests nothing for %.20s', (mistaken) => {
    expect(suggestSlug(mistaken, slugs)).toBeUndefined();
  });
});
