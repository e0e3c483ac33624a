import { describe, expect, it } from 'vitest';
import { ItemValidator, type PropertyDefinition } from '#libs/properties';
import type { ItemContext } from './item.plan';
import { planOperations } from './operation.plan';

const id = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';
const newId = '0197a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';

const common = {
  id,
  name: 'A property',
  required: false,
  native: true,
  locked: false,
  list_id: null,
  options: [],
  lookup: 'none',
  lookup_state: null,
} as const;
const definitions: PropertyDefinition[] = [
  { ...common, slug: 'name', type: 'str', required: true },
  { ...common, slug: 'size', type: 'num' },
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

function plan(item: unknown, context: Partial<ItemContext> = {}): unknown {
  return planOperations([item], { ...ample, ...context })[0];
}

describe('planOperations', () => {
  it('plans the operation of each item', () => {
    const block = { default: { name: 'x' } };
    expect(plan({ op: 'create', ...block })).toEqual({
      ...{ op: 'create', id: newId, properties: { name: 'x' }, list: {}, extended: {} },
    });
    expect(plan({ op: 'update', id: id.toUpperCase(), ...block })).toEqual({ op: 'update', id, set: { name: 'x' } });
    expect(plan({ op: 'delete', id, if_match: '"8-1"', ref: 'a' })).toEqual({
      ...{ op: 'delete', id, if_match: '8-1', ref: 'a' },
    });
    expect(plan({ op: 'restore', id, if_match: '*' })).toEqual({ op: 'restore', id });
  });

  it('plans a new record from an increment', () => {
    const block = { name: 'x', size: { _op: 'increment', by: 2 } };
    expect(plan({ op: 'create', default: block })).toMatchObject({ properties: { name: 'x', size: 2 } });
  });

  it('plans updates that skip what is unchanged, and reads without a change', () => {
    const skip = { skipUnchanged: true };
    expect(plan({ op: 'update', id, default: { name: 'x' } }, skip)).toEqual({
      ...{ op: 'update', id, default: { set: { name: 'x' }, clear: null, ops: null }, list: null, extended: null },
      skip_unchanged: true,
    });
    expect(plan({ op: 'update', id }, skip)).toEqual({ op: 'read', id });
  });

  it.each([
    ['no object', null, null, undefined],
    ['no op', { id }, id, '.op'],
    ['an unknown op', { op: 'upsert' }, null, '.op'],
    ['an op of another type', { op: ['create'] }, null, '.op'],
    ['an id of a new record', { op: 'create', id, default: { name: 'x' } }, null, '.id'],
    ['a new record without content', { op: 'create' }, null, '.default'],
    ['an unknown field of a new record', { op: 'create', default: { name: 'x' }, if_match: '*' }, null, '.if_match'],
    ['a delete with content', { op: 'delete', id, default: {} }, id, '.default'],
    ['a malformed condition', { op: 'restore', id, if_match: 1 }, id, '.if_match'],
    ['no id', { op: 'delete' }, null, '.id'],
    ['a ref of 65 characters', { op: 'delete', id, ref: 'x'.repeat(65) }, id, '.ref'],
  ])('rejects %s', (_, item, rejectedId, field) => {
    const planned = plan(item) as { op: string; id: unknown; code: string; error: string };
    expect(planned).toMatchObject({ op: 'reject', id: rejectedId, code: 'invalid_item' });
    const { errors } = JSON.parse(planned.error) as { errors?: { field: string }[] };
    expect(errors?.[0]?.field).toBe(field);
  });

  it('rejects a new record that is too large, with its ref', () => {
    const item = { op: 'create', ref: 'a', default: { name: 'x'.repeat(100) } };
    expect(plan(item, { itemLimitBytes: 50 })).toMatchObject({ op: 'reject', id: null, code: 'too_large', ref: 'a' });
  });
});
