import { describe, expect, it } from 'vitest';

import { isObjectType } from './object-type.constants';
import { isPropertyType, propertyTypes } from './property-type.constants';

describe('types', () => {
  it('knows all 27 property types', () => {
    expect(propertyTypes).toHaveLength(27);
    expect(propertyTypes.every(isPropertyType)).toBe(true);
  });

  it.each(['', 'string', 'ref_', 'ref_person', 'multiref_str', 'ref_multiref_deal', 'constructor', 'STR'])(
    '%j is no property type',
    (text) => {
      expect(isPropertyType(text)).toBe(false);
    },
  );

  it.each(['', 'Organization', 'organizations', 'toString', '__proto__'])('%j is no object type', (text) => {
    expect(isObjectType(text)).toBe(false);
  });
});
