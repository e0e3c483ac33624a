import { describe, expect, it } from 'vitest';
import { planCreate, planPatch } from './change.plan';

const id = '182bd5e5-6e1a-4fe4-a799-aa6d9a6ab26e';

describe('planCreate', () => {
  it('sets every block of the new record', () => {
    const change = {
      set: { name: 'Acme' },
      clear: null,
      ops: null,
      list: { [id]: { set: { score: 3 }, clear: null, ops: null } },
      extended: { set: { a: 1 }, clear: [] },
    };
    expect(planCreate(id, change)).toEqual({
      op: 'create',
      id,
      properties: { name: 'Acme' },
      list: { [id]: { score: 3 } },
      extended: { a: 1 },
    });
  });

  it('has empty blocks if none is given', () => {
    const nothing = { set: null, clear: null, ops: null, list: null, extended: null };
    expect(planCreate(id, nothing)).toEqual({ op: 'create', id, properties: {}, list: {}, extended: {} });
  });
});

describe('planPatch', () => {
  it('has the etag of the condition', () => {
    const change = { set: { name: 'x' }, clear: null, ops: null, list: null, extended: null };
    expect(planPatch(id, change, '3')).toEqual({ op: 'update', id, if_match: '3', set: { name: 'x' } });
    expect(planPatch(id, { ...change, set: null }, '3')).toEqual({ op: 'read', id, if_match: '3' });
  });
});
