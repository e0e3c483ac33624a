import { describe, expect, it } from 'vitest';
import { fieldSegment } from '#libs/errors';
import { ItemValidator, type PropertyDefinition } from '#libs/properties';
import type { ItemContext } from './item.plan';
import { planDeletes, planUpdates } from './update.plan';

const id = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';
const newId = '0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const listId = '3c1d9f0a-2b4e-4f6d-8a7c-9e0b1d2c3f4a';

const common = {
  name: 'A property',
  native: true,
  locked: false,
  options: [],
  lookup: 'none',
  lookup_state: null,
} as const;
const definitions: PropertyDefinition[] = [
  { ...common, id, slug: 'name', type: 'str', required: true, list_id: null },
  { ...common, id, slug: 'notes', type: 'text', required: false, list_id: null },
  { ...common, id, slug: 'tags', type: 'multi_str', required: false, list_id: null },
  { ...common, id, slug: 'score', type: 'num', required: false, list_id: listId },
  { ...common, id, slug: 'code', type: 'str', required: false, list_id: null, lookup: 'unique', lookup_state: 'ready' },
  {
    ...common,
    id,
    slug: 'new',
    type: 'num',
    required: false,
    list_id: null,
    lookup: 'indexed',
    lookup_state: 'building',
  },
];
const validator = new ItemValidator('organization', definitions, 'reject');
const ample: ItemContext = {
  validator,
  definitions,
  newId: () => newId,
  itemLimitBytes: 262_144,
  bodyBytes: 1_000,
  skipUnchanged: false,
};

function plan(item: unknown, limits: Partial<ItemContext> = {}): unknown {
  return planUpdates([item], { ...ample, ...limits })[0];
}

/** The id, code and error of a rejected item. */
function rejection(item: unknown, limits: Partial<ItemContext> = {}): unknown {
  const planned = planUpdates([item], { ...ample, ...limits })[0];
  if (planned?.op !== 'reject') throw new Error(`not rejected: ${JSON.stringify(planned)}`);
  const error = JSON.parse(planned.error) as object;
  return { id: planned.id, code: planned.code, error };
}

describe('planUpdates', () => {
  it('plans an item that only sets properties for the fast path', () => {
    expect(plan({ id, default: { name: 'Acme', tags: ['a', 'a'] } })).toEqual({
      op: 'update',
      id,
      set: { name: 'Acme', tags: ['a'] },
    });
  });

  it('plans the changes of all blocks of an item', () => {
    const item = {
      id,
      default: { name: 'Acme', notes: null, tags: { _op: 'append', values: ['b'] } },
      list: { [listId]: { score: 3 } },
      extended: { a: { b: null }, c: null },
    };
    expect(plan(item)).toEqual({
      op: 'update',
      id,
      default: { set: { name: 'Acme' }, clear: ['notes'], ops: { tags: { op: 'append', values: ['b'] } } },
      list: { [listId]: { set: { score: 3 }, clear: null, ops: null } },
      extended: { set: { a: { b: null } }, clear: ['c'] },
    });
  });

  it.each([{ id }, { id, default: {} }, { id, list: {} }, { id, list: { [listId]: {} } }, { id, extended: {} }])(
    'plans a read for an item without changes: %j',
    (item) => {
      expect(plan(item)).toEqual({ op: 'read', id });
    },
  );

  it('returns the id in lower case', () => {
    expect(plan({ id: id.toUpperCase() })).toEqual({ op: 'read', id });
    expect(rejection({ id: id.toUpperCase(), default: { nmae: 'x' } })).toMatchObject({ id, code: 'unknown_property' });
  });

  it('keeps the order and the number of valid and invalid items', () => {
    const items = [{ id }, null, { id, default: { name: 'x' } }, { id: 'x' }, { id }];
    const ops = planUpdates(items, ample).map(({ op }) => op);
    expect(ops).toEqual(['read', 'reject', 'update', 'reject', 'read']);
  });

  it.each([null, 8, 'acme', true, [], [{ id }], undefined])('rejects an item that is not an object: %j', (item) => {
    expect(rejection(item)).toMatchObject({ id: null, code: 'invalid_item', error: { retryable: false } });
  });

  it.each([
    [{}, 'required'],
    [{ default: {} }, 'required'],
    [{ id: null }, 'uuid'],
    [{ id: 8 }, 'uuid'],
    [{ id: 'acme' }, 'uuid'],
    [{ id: [id] }, 'uuid'],
  ])('rejects the id of %j', (item, code) => {
    expect(rejection(item)).toMatchObject({
      id: null,
      code: 'invalid_item',
      error: { errors: [{ field: '.id', code }] },
    });
  });

  it.each(['defaults', 'ID', 'if-match', 'version', '', 'toString', 'a\0', 'k'.repeat(100_000)])(
    'rejects an unknown key: %j',
    (key) => {
      expect(rejection({ id, [key]: 1 })).toMatchObject({
        id,
        code: 'invalid_item',
        error: { errors: [{ field: fieldSegment(key), code: 'unknown_field' }] },
      });
    },
  );

  it.each([
    ['default', null],
    ['default', []],
    ['default', 'x'],
    ['list', []],
    ['list', { [listId]: null }],
    ['list', { acme: {} }],
    ['extended', 8],
  ])('rejects a malformed %s block: %j', (block, value) => {
    expect(rejection({ id, [block]: value })).toMatchObject({ id, code: 'invalid_item' });
  });

  it.each([
    ['unknown_property', { nmae: 'x' }],
    ['invalid_property', { name: 8 }],
    ['required_property', { name: null }],
  ])('returns %s with the path of the field', (code, block) => {
    const field = `.default.${Object.keys(block)[0] ?? ''}`;
    expect(rejection({ id, default: block })).toMatchObject({ id, code, error: { code, errors: [{ field }] } });
  });

  describe('with an item size limit', () => {
    const item = { id, default: { notes: 'é'.repeat(100) } };
    const bytes = Buffer.byteLength(JSON.stringify(item));

    it('accepts an item at the limit', () => {
      expect(plan(item, { itemLimitBytes: bytes, bodyBytes: bytes + 50 })).toMatchObject({ op: 'update' });
    });

    it('rejects an item one byte above the limit without validating it', () => {
      const limits = { itemLimitBytes: bytes - 1, bodyBytes: bytes + 50 };
      expect(rejection(item, limits)).toMatchObject({ id, code: 'too_large', error: { retryable: false } });
      expect(rejection({ ...item, default: { notes: 8, nmae: 'é'.repeat(100) } }, limits)).toMatchObject({
        code: 'too_large',
      });
    });

    it('does not affect other items', () => {
      const limits = { itemLimitBytes: bytes - 1, bodyBytes: 2 * bytes };
      expect(planUpdates([{ id }, item, { id }], { ...ample, ...limits }).map(({ op }) => op)).toEqual([
        'read',
        'reject',
        'read',
      ]);
    });
  });

  describe('with if_match', () => {
    it('plans the version', () => {
      expect(plan({ id, if_match: '"8"' })).toEqual({ op: 'read', id, if_match: '8' });
      expect(plan({ id, if_match: '"8"', default: { name: 'x' } })).toEqual({
        op: 'update',
        id,
        if_match: '8',
        set: { name: 'x' },
      });
      expect(plan({ id, if_match: '"8"', default: { notes: null } })).toMatchObject({ op: 'update', if_match: '8' });
    });

    it('plans no etag for *', () => {
      expect(plan({ id, if_match: '*' })).toEqual({ op: 'read', id });
    });

    it('plans an etag that no record has for a weak tag', () => {
      expect(plan({ id, if_match: 'W/"8"' })).toMatchObject({ if_match: '"' });
    });

    it.each(['8', 8, null, '', ['"8"'], '"8", "9"'])('rejects %j', (tag) => {
      expect(rejection({ id, if_match: tag })).toMatchObject({
        id,
        code: 'invalid_item',
        error: { errors: [{ field: '.if_match', code: 'etag' }] },
      });
    });
  });
});

describe('planDeletes', () => {
  it('plans one delete per id, in order, with duplicates', () => {
    expect(planDeletes([id, listId.toUpperCase(), id])).toEqual([
      { op: 'delete', id },
      { op: 'delete', id: listId },
      { op: 'delete', id },
    ]);
  });

  it.each(['acme', null, 8, { id }])('rejects %j at its position', (bad) => {
    const [first, second] = planDeletes([bad, id]);
    expect(first).toMatchObject({ op: 'reject', id: null, code: 'invalid_item' });
    expect(second).toEqual({ op: 'delete', id });
  });
});

describe('an item with a match', () => {
  const match = { slug: 'code', value: 'a' };
  const found = { id, slug: 'code', kind: 'text', value: 'a', indexed: true };
  const lookup = { id, slug: 'code', kind: 'text', unique: true };

  it('updates the record that has the value', () => {
    expect(plan({ match, default: { name: 'x' }, ref: 'r' })).toEqual({
      ...{ op: 'update', id: newId, match: found, set: { name: 'x' }, ref: 'r' },
    });
    expect(plan({ match, if_match: '"8-1"' })).toEqual({ op: 'read', id: newId, match: found, if_match: '8-1' });
    expect(plan({ match, default: { code: 'b' } })).toMatchObject({ match: found, lookups: [lookup] });
  });

  it('creates a record with the value, if it may', () => {
    const create = { op: 'create', id: newId, list: {}, extended: {}, lookups: [lookup] };
    expect(plan({ match, if_absent: 'create', default: { name: 'x', code: 'a' } })).toEqual({
      ...{ op: 'update', id: newId, match: found, set: { name: 'x' } },
      create: { ...create, properties: { name: 'x', code: 'a' } },
    });
    expect(plan({ match, if_absent: 'create', default: { notes: 'x' } })).toMatchObject({
      ...{ op: 'update', set: { notes: 'x' }, absent: { code: 'required_property' } },
    });
    expect(plan({ match, if_absent: 'create', default: { name: 'x' }, if_match: '"8-1"' })).toMatchObject({
      ...{ op: 'update', if_match: '8-1', absent: { code: 'precondition_failed' } },
    });
  });

  it.each<[string, object, string, string]>([
    ['an id as well', { id, match }, '.id', 'exclusive'],
    ['only if_absent', { if_absent: 'create' }, '.match', 'object'],
    ['a match without a value', { match: { slug: 'code' } }, '.match', 'object'],
    ['a match with another member', { match: { ...match, op: '=' } }, '.match', 'object'],
    ['an unknown if_absent', { match, if_absent: 'ignore' }, '.if_absent', 'enum'],
    ['an unknown member', { match, stage: 'won' }, '.stage', 'unknown_field'],
    ['a malformed if_match', { match, if_match: 8 }, '.if_match', 'etag'],
    ['a property that is not defined', { match: { ...match, slug: 'cod' } }, '.match.slug', 'unknown_property'],
    ['a property without a lookup', { match: { slug: 'name', value: 'a' } }, '.match.slug', 'invalid_item'],
    ['a lookup that is being built', { match: { slug: 'new', value: 1 } }, '.match.slug', 'invalid_item'],
    ['a value that does not fit', { match: { slug: 'code', value: 7 } }, '.match.value', 'invalid_property'],
    ['an invalid change', { match, default: { name: 7 } }, '.default.name', 'invalid_property'],
    ['another value to create', { match, if_absent: 'create', default: { code: 'b' } }, '.default.code', 'mismatch'],
  ])('is rejected with %s', (_, item, field, code) => {
    expect(rejection(item)).toMatchObject({ id: null, error: { errors: [{ field, code }] } });
  });
});
