import { describe, expect, it } from 'vitest';
import { isObjectType, isPropertyType, PROPERTY_TYPES } from './property-definition';

describe('isPropertyType', () => {
  it('accepts all 27 property types', () => {
    expect(PROPERTY_TYPES).toHaveLength(27);
    expect(PROPERTY_TYPES.every(isPropertyType)).toBe(true);
  });

  it.each(['', 'string', 'ref_', 'ref_person', 'multiref_str', 'ref_multiref_deal', 'constructor', 'STR'])(
    'rejects %j',
    (text) => {
      expect(isPropertyType(text)).toBe(false);
    },
  );
});

describe('isObjectType', () => {
  it.each(['', 'Organization', 'organizations', 'toString', '__proto__'])('rejects %j', (text) => {
    expect(isObjectType(text)).toBe(false);
  });
});
