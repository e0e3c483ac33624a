import { describe, expect, it } from 'vitest';
import { withSection } from './report';

const document = 'before\n\n<!-- abuse: begin -->\n\nold\n\n<!-- abuse: end -->\n\nafter\n';

describe('withSection', () => {
  it('replaces the text between the markers, also repeatedly', () => {
    const once = withSection(document, 'new');
    expect(once).toBe(document.replace('old', 'new'));
    expect(withSection(once, 'new')).toBe(once);
  });

  it('rejects a document without markers', () => {
    expect(() => withSection('no markers', 'new')).toThrow('lacks the markers');
  });
});
