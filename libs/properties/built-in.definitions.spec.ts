import { describe, expect, it } from 'vitest';
import { BUILT_IN_DEFINITIONS } from './built-in.definitions';
import { isPropertyType, OBJECT_TYPES } from './property-definition';

const all = OBJECT_TYPES.flatMap((object) => BUILT_IN_DEFINITIONS.get(object) ?? []);

function slugsOf(object: (typeof OBJECT_TYPES)[number]): string[] {
  return (BUILT_IN_DEFINITIONS.get(object) ?? []).map(({ slug }) => slug);
}

describe('built-in definitions', () => {
  it('have ids that never change', () => {
    const stage = BUILT_IN_DEFINITIONS.get('organization')?.find(({ slug }) => slug === 'stage');
    expect(stage?.id).toBe('52214270-167d-5496-adea-c4865f54a355');
    expect(stage?.options[0]).toEqual({ id: 'f48d4aa8-a513-5788-bd17-698b04e85b87', slug: 'lead', value: 'Lead' });
  });

  it('have unique ids, and slugs that are unique per object type', () => {
    const ids = all.flatMap(({ id, options }) => [id, ...options.map((option) => option.id)]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const object of OBJECT_TYPES) expect(new Set(slugsOf(object)).size).toBe(slugsOf(object).length);
    for (const { options } of all) expect(new Set(options.map(({ slug }) => slug)).size).toBe(options.length);
  });

  it('are native, belong to no list, and have a valid type', () => {
    for (const definition of all) {
      expect(definition).toMatchObject({ native: true, list_id: null });
      expect(isPropertyType(definition.type)).toBe(true);
      expect(definition.options.length > 0).toBe(definition.type.includes('select'));
    }
  });

  it('require nothing but the name of an organization', () => {
    expect(all.filter(({ required }) => required)).toEqual([
      expect.objectContaining({ slug: 'name', id: BUILT_IN_DEFINITIONS.get('organization')?.[0]?.id }),
    ]);
  });

  it('give each object type its times, which are read-only, and nothing else that is', () => {
    for (const object of OBJECT_TYPES) {
      const locked = (BUILT_IN_DEFINITIONS.get(object) ?? []).filter((definition) => definition.locked);
      expect(locked.map(({ slug, type }) => [slug, type])).toEqual([
        ['created_at', 'date'],
        ['updated_at', 'date'],
      ]);
    }
  });

  it('give each other object type a name or text, an owner, a status and a date', () => {
    for (const object of ['deal', 'action', 'document', 'engagement', 'event', 'comment'] as const) {
      const definitions = BUILT_IN_DEFINITIONS.get(object) ?? [];
      expect(slugsOf(object)).toEqual(expect.arrayContaining([object === 'comment' ? 'body' : 'name', 'owner']));
      expect(definitions.some(({ slug }) => slug === 'status' || slug === 'stage')).toBe(true);
      expect(definitions.some(({ type, locked }) => type === 'date' && !locked)).toBe(true);
    }
  });
});
