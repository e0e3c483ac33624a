import { describe, expect, it } from 'vitest';
import { canCreate, MissingOptions } from './missing.options';
import type { PropertyDefinition, PropertyOption } from './property-definition';
import { MAX_OPTIONS } from './schema.change';
import { MAX_TEAM_BYTES, MAX_TEAM_OPTIONS, NO_USAGE, type TeamUsage } from './team.usage';

const listId = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';
const hot: PropertyOption = { id: '11111111-2222-4333-8444-555555555555', slug: 'hot', value: 'Very hot' };

function definition(slug: string, extra: Partial<PropertyDefinition> = {}): PropertyDefinition {
  return {
    ...{ id: `id of ${slug}`, slug, type: 'select_str', name: slug, required: false, native: false, locked: false },
    ...{ list_id: null, lookup: 'none', lookup_state: null, options: [hot], ...extra },
  };
}

const name = definition('name', { type: 'str', required: true, options: [] });
const labels = definition('labels', { type: 'multiselect_str' });
const score = definition('score', { list_id: listId });
const definitions = [name, definition('level'), labels, score, definition('level', { id: 'another' })];

function missingOptions(existing: PropertyDefinition[] = definitions, usage: TeamUsage = NO_USAGE): MissingOptions {
  return new MissingOptions('organization', existing, 'reject', usage);
}

function values(missing: MissingOptions): string[] {
  return missing.planned.map(({ propertyId, option }) => `${propertyId}: ${option.slug} = ${option.value}`);
}

describe('MissingOptions', () => {
  it.each([
    ['hot', 'hot'],
    [' hot ', 'hot'],
    [hot.id.toUpperCase(), hot.id.toUpperCase()],
    [`${hot.id}\n`, hot.id],
    [' VERY hot ', 'hot'],
  ])('finds the option that %j is', (text, slug) => {
    const missing = missingOptions();
    const resolved = missing.resolve({ default: { name: 'A', level: text } }, 'create');
    expect(resolved).toEqual({ row: { default: { name: 'A', level: slug } } });
    expect(values(missing)).toEqual([]);
    expect(missing.definitions).toEqual(definitions);
  });

  it('plans each option once, whatever rows and blocks name it', () => {
    const missing = missingOptions();
    const row = {
      default: { name: 'A', level: 'Luke warm', labels: ['New', 'new', 'hot'] },
      list: { [listId]: { score: 'Top' } },
    };
    const expected = {
      default: { name: 'A', level: 'luke_warm', labels: ['new', 'new', 'hot'] },
      list: { [listId]: { score: 'top' } },
    };
    expect(missing.resolve(row, 'create')).toEqual({ row: expected });
    expect(missing.resolve(row, 'create')).toEqual({ row: expected });
    expect(values(missing)).toEqual([
      'id of level: luke_warm = Luke warm',
      'id of labels: new = New',
      'id of score: top = Top',
    ]);
    expect(missing.validator.create(expected)).toHaveProperty('change');
  });

  it('plans what an operator appends, and nothing else of it', () => {
    const missing = missingOptions();
    const row = (labels: unknown): object => ({ default: { labels } });
    expect(missing.resolve(row({ _op: 'append', values: ['New'] }), 'patch')).toEqual({
      row: row({ _op: 'append', values: ['new'] }),
    });
    const removal = row({ _op: 'remove', values: ['Other'] });
    expect(missing.resolve(removal, 'patch')).toEqual({ row: removal });
    expect(values(missing)).toEqual(['id of labels: new = New']);
  });

  it.each([
    ['misses a required property', { default: { level: 'New' } }],
    ['has a value of another type', { default: { name: 1, level: 'New' } }],
    ['has an option without text', { default: { name: 'A', level: 'New', labels: [' '] } }],
    ['has an option that is too long', { default: { name: 'A', level: 'x'.repeat(256) } }],
    ['has a list that is none', { default: { name: 'A', level: 'New' }, list: { [listId]: 7 } }],
    ['has a list whose id is none', { default: { name: 'A', level: 'New' }, list: { x: {} } }],
  ])('plans nothing for a row that %s', (_, row) => {
    const missing = missingOptions();
    expect(missing.resolve(row, 'create')).toEqual({ row });
    expect(values(missing)).toEqual([]);
    expect(missing.validator.create(row)).toHaveProperty('errors');
  });

  it('plans nothing for a row with an option that cannot be created', () => {
    const missing = missingOptions();
    expect(missing.resolve({ default: { name: 'A', level: 'New', labels: ['!?'] } }, 'create')).toEqual({
      error: {
        field: '.default.labels',
        code: 'unknown_option',
        message: expect.stringContaining('derive a slug') as string,
      },
    });
    expect(values(missing)).toEqual([]);
    expect(missing.validator.create({ default: { name: 'A', level: 'new' } })).toHaveProperty('errors');
  });

  it('validates the options that each row adds by definitions that are compiled once', () => {
    const missing = missingOptions();
    const { definitions: compiled, validator } = missing;
    for (const level of ['One', 'Two', 'Three']) {
      const row = { default: { name: 'A', level: level.toLowerCase() } };
      expect(validator.create(row)).toHaveProperty('errors');
      expect(missing.resolve({ default: { name: 'A', level } }, 'create')).toEqual({ row });
      expect(validator.create(row)).toHaveProperty('change');
    }
    expect(missing.validator).toBe(validator);
    expect(compiled[1]?.options.map(({ slug }) => slug)).toEqual(['hot', 'one', 'two', 'three']);
    expect(definitions[1]?.options).toEqual([hot]);
  });

  it('plans no more options than a property can have', () => {
    const options = Array.from({ length: MAX_OPTIONS - 1 }, (_, i) => ({ id: `${i}`, slug: `o${i}`, value: `O ${i}` }));
    const missing = missingOptions([name, definition('level', { options })]);
    const level = (text: string): object => ({ default: { name: 'A', level: text } });
    expect(missing.resolve(level('Last'), 'create')).toEqual({ row: level('last') });
    expect(missing.resolve(level('More'), 'create')).toEqual({
      error: {
        field: '.default.level',
        code: 'unknown_option',
        message: expect.stringContaining('500, the maximum') as string,
      },
    });
    expect(missing.resolve(level('last'), 'create')).toEqual({ row: level('last') });
    expect(values(missing)).toEqual(['id of level: last = Last']);
  });

  it.each([
    ['options', MAX_TEAM_OPTIONS - 1, `${MAX_TEAM_OPTIONS} options`],
    ['bytes', MAX_TEAM_BYTES - 150, `${MAX_TEAM_BYTES} bytes`],
  ])('plans no more %s than a team can have', (of, existing, text) => {
    const missing = missingOptions([name, definition('level'), labels], { ...NO_USAGE, [of]: existing });
    const row = (level: string, label: string): object => ({ default: { name: 'A', level, labels: [label] } });
    const message = expect.stringContaining(text) as string;
    const error = (field: string): object => ({ error: { field, code: 'unknown_option', message } });
    // Of a row that fails, no option is planned.
    expect(missing.resolve(row('One', 'Two'), 'create')).toEqual(error('.default.labels'));
    expect(missing.resolve(row('hot', 'Two'), 'create')).toEqual({ row: row('hot', 'two') });
    expect(missing.resolve(row('One', 'hot'), 'create')).toEqual(error('.default.level'));
    expect(missing.resolve(row('hot', 'Two'), 'create')).toEqual({ row: row('hot', 'two') });
    expect(values(missing)).toEqual(['id of labels: two = Two']);
  });

  it('does not touch properties without options, or that only the gateway writes', () => {
    const row = { default: { name: 'New' } };
    expect(missingOptions([name]).resolve(row, 'create')).toEqual({ row });
    expect(missingOptions([name, definition('level', { locked: true }), labels]).resolve(row, 'create')).toEqual({
      row,
    });
  });
});

describe('canCreate', () => {
  const planned = [{ propertyId: 'id of level', option: { id: 'x', slug: 'new', value: 'New' } }];
  const withOption = (slug: string, value: string): PropertyDefinition =>
    definition('level', { options: [hot, { id: 'y', slug, value }] });
  const full = Array.from({ length: MAX_OPTIONS }, (_, i) => ({ id: `${i}`, slug: `o${i}`, value: `O ${i}` }));

  it.each([
    ['as planned', [definition('level')], true],
    ['with another option', [withOption('other', 'Other')], true],
    ['with the slug', [withOption('new', 'Other')], false],
    ['with the display name', [withOption('new_2', 'NEW')], false],
    ['with the maximum of options', [definition('level', { options: full })], false],
    ['without the property', [], false],
    ['with a locked property', [definition('level', { locked: true })], false],
    ['with a property of another type', [definition('level', { type: 'str' })], false],
  ])('of definitions %s', (_, existing, expected) => {
    expect(canCreate(planned, existing, NO_USAGE)).toBe(expected);
  });

  it.each([
    ['is a slug with white space around it', [{ slug: 'closed_won', value: 'Closed: won' }], ['closed_won '], []],
    ['is a slug in upper case', [{ slug: 'hot', value: 'Very hot' }], ['HOT'], []],
    ['is the slug of a planned option, with white space', [], ['Foo bar', 'foo_bar '], ['foo_bar = Foo bar']],
    ['has a slug that is a display name', [{ slug: 'x', value: 'foo_bar' }], ['Foo bar'], ['foo_bar = Foo bar']],
  ])('accepts what is planned for a text that %s', (_, options, texts, expected) => {
    const existing = [definition('level', { options: options.map((option) => ({ id: option.slug, ...option })) })];
    const missing = missingOptions(existing);
    for (const level of texts) missing.resolve({ default: { level } }, 'create');
    expect(values(missing)).toEqual(expected.map((option) => `id of level: ${option}`));
    expect(canCreate(missing.planned, existing, NO_USAGE)).toBe(true);
  });

  it('counts what is created before', () => {
    const twice = [...planned, ...planned];
    expect(canCreate(twice, [definition('level')], NO_USAGE)).toBe(false);
  });

  it.each([
    ['options', MAX_TEAM_OPTIONS - 1, true],
    ['options', MAX_TEAM_OPTIONS, false],
    ['bytes', MAX_TEAM_BYTES - 200, true],
    ['bytes', MAX_TEAM_BYTES - 10, false],
  ])('counts the %s of the team: %d', (of, existing, expected) => {
    expect(canCreate(planned, [definition('level')], { ...NO_USAGE, [of]: existing })).toBe(expected);
  });
});
