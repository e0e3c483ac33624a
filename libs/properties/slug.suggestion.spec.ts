import { describe, expect, it } from 'vitest';

import { suggestSlug } from './slug.suggestion';

const slugs = ['name', 'stage', 'notes', 'primary_domain', 'website', 'linkedin'];

describe('the slug that was meant', () => {
  it.each([
    ['stagee', 'stage'],
    ['Stage', 'stage'],
    ['note', 'notes'],
    ['primary_domian', 'primary_domain'],
    ['linkdin', 'linkedin'],
  ])('%s is a slip for %s', (mistaken, slug) => {
    expect(suggestSlug(mistaken, slugs)).toBe(slug);
  });

  it.each(['owner', 'x', '', 'constructor', 'nm', 'n'.repeat(100_000)])('%.20s is none of them', (mistaken) => {
    expect(suggestSlug(mistaken, slugs)).toBeUndefined();
  });
});
