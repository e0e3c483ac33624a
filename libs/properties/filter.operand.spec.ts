import { expect, it } from 'vitest';
import { optionSlugOf } from './filter.operand';
import type { PropertyOption } from './property-definition';

/** Counts how often the ids of options are read. */
function countedOptions(count: number): { options: PropertyOption[]; readings: () => number } {
  let readings = 0;
  const options = Array.from({ length: count }, (_, n) => ({
    get id() {
      readings += 1;
      return `ID-${n}`;
    },
    slug: `slug-${n}`,
    value: `Option ${n}`,
  }));
  return { options, readings: () => readings };
}

it('reads the options of a property once, however many values a filter has', () => {
  const { options, readings } = countedOptions(500);
  for (let n = 0; n < 1_000; n += 1) {
    expect(optionSlugOf(options, 'id-499')).toBe('slug-499');
    expect(optionSlugOf(options, 'none')).toBeUndefined();
  }
  expect(readings()).toBe(500);
});

it('finds an option by its slug with case, or by its id without', () => {
  const { options } = countedOptions(2);
  expect(optionSlugOf(options, 'slug-1')).toBe('slug-1');
  expect(optionSlugOf(options, 'SLUG-1')).toBeUndefined();
  expect(optionSlugOf(options, 'iD-1')).toBe('slug-1');
});

it('finds an option that is added later', () => {
  const { options } = countedOptions(1);
  expect(optionSlugOf(options, 'new')).toBeUndefined();
  options.push({ id: 'id-new', slug: 'new', value: 'New' });
  expect(optionSlugOf(options, 'id-new')).toBe('new');
});
