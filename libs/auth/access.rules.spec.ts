import { describe, expect, it } from 'vitest';
import { AccessError } from './access.error';
import { keyIdFrom, nameOf, scopesOf, teamIdOf } from './access.rules';
import { createApiKey } from './api-key';

describe('what people type', () => {
  it('is a team id in either case, kept in lower case', () => {
    expect(teamIdOf('0197B1A2-7C3D-7E4F-8A5B-6C7D8E9FA0B1')).toBe('0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1');
    for (const text of ['', 'team', '0197b1a27c3d7e4f8a5b6c7d8e9fa0b1', '{0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1}']) {
      expect(() => teamIdOf(text)).toThrow(AccessError);
    }
  });

  it('is a name of one line that reads as what it is', () => {
    for (const name of ['a', 'Büro № 7', '日本', '🚀 launch', 'x'.repeat(200)]) expect(nameOf(name)).toBe(name);
    for (const name of ['', '  ', 'x'.repeat(201), 'a\nb', 'a\0', '\u202Eevil', '\uD800', '\u001b[31m']) {
      expect(() => nameOf(name)).toThrow(AccessError);
    }
  });

  it('is a list of known scopes, each counted once', () => {
    expect(scopesOf('records:write, records:read,records:write')).toEqual(['records:read', 'records:write']);
    for (const text of ['', ',', 'records:read,', 'admin', 'RECORDS:READ'])
      expect(() => scopesOf(text)).toThrow(AccessError);
    expect(() => scopesOf('admin')).toThrow(
      "'admin' is no scope; the scopes are records:read, records:write, schema:write",
    );
  });

  it('is a key id, and a whole key in its place is not repeated in the refusal', () => {
    const { apiKey, keyId } = createApiKey();

    expect(keyIdFrom(keyId)).toBe(keyId);
    expect(() => keyIdFrom(apiKey)).toThrow(/12 letters and digits/);
    try {
      keyIdFrom(apiKey);
    } catch (error) {
      expect(String(error)).not.toContain(apiKey);
    }
  });
});
