import { describe, expect, it } from 'vitest';

import { OBJECT_TYPES } from '#libs/properties';

import { targetOf } from './target.decorator';

describe('the target of a request', () => {
  it.each(OBJECT_TYPES)('may be %s', (object) => {
    expect(targetOf({ team: '0B9E6C1E-1C1F-4C0E-9D6B-0D1F5A3C7E21', object })).toEqual({
      teamId: '0b9e6c1e-1c1f-4c0e-9d6b-0d1f5a3c7e21',
      objectType: object,
    });
  });

  it.each(['', 'Organization', 'organizations', 'person', 'constructor', '__proto__'])(
    'is not found for %j',
    (object) => {
      expect(() => targetOf({ team: 't', object })).toThrow(
        expect.objectContaining({ code: 'not_found', status: 404 }),
      );
    },
  );
});
