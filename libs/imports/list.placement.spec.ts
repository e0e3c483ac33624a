import { describe, expect, it } from 'vitest';
import type { PropertyDefinition } from '#libs/properties';
import { ListPlacement } from './list.placement';

const id = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';
const definitions = [
  { slug: 'name', list_id: null },
  { slug: 'both', list_id: null },
  { slug: 'both', list_id: id },
  { slug: 'score', list_id: id },
] as PropertyDefinition[]; // nothing else is read

describe('ListPlacement', () => {
  const list = new ListPlacement(id, definitions);

  it('moves properties of the list to its block, and no other', () => {
    expect(list.place({ default: { name: 'A', both: 1, score: 2, other: 3 } })).toEqual({
      default: { name: 'A', both: 1, other: 3 },
      list: { [id]: { score: 2 } },
    });
  });

  it('keeps a value that the block has, and its key', () => {
    const block = { [id.toUpperCase()]: { score: 1 } };
    expect(list.place({ default: { score: 2 }, list: block })).toEqual({ default: {}, list: block });
  });

  it.each([
    [{ default: { name: 'A' } }],
    [{ default: 'A' }],
    [{ default: { score: 2 }, list: 'x' }],
    [{ default: { score: 2 }, list: { [id]: 'x' } }],
    [{ extended: {} }],
  ])('changes nothing of %j', (row) => {
    expect(list.place(row)).toBe(row);
  });
});
