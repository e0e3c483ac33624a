import { describe, expect, it } from 'vitest';
import { AccessError } from './access.error';
import { parseKeyId, parseName, parseScopes, parseTeamId } from './access.rules';
import { createApiKey } from '../api-key';

describe('access rules', () => {
  it('accept a team id in either case and return it in lower case', () => {
    expect(parseTeamId('0197B1A2-7C3D-7E4F-8A5B-6C7D8E9FA0B1')).toBe('0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1');
    for (const text of ['', 'team', '0197b1a27c3d7e4f8a5b6c7d8e9fa0b1', '{0197b1a2-7c3d-7e4f-8a5b-6c7d8e9fa0b1}']) {
      expect(() => parseTeamId(text)).toThrow(AccessError);
    }
  });

  it('accept a name of printable characters on one line', () => {
    for (const name of ['a', 'Büro № 7', '日本', '🚀 launch', 'x'.repeat(200)]) expect(parseName(name)).toBe(name);
    for (const name of ['', '  ', 'x'.repeat(201), 'a\nb', 'a\0', '\u202Eevil', '\uD800', '\u001b[31m']) {
      expect(() => parseName(name)).toThrow(AccessError);
    }
  });

  it('accept a list of known scopes and return each once', () => {
    expect(parseScopes('records:write, records:read,records:write')).toEqual(['records:read', 'records:write']);
    for (const text of ['', ',', 'records:read,', 'admin', 'RECORDS:READ'])
      expect(() => parseScopes(text)).toThrow(AccessError);
    expect(() => parseScopes('admin')).toThrow(
      "'admin' is not a scope; the scopes are records:read, records:write, schema:write",
    );
  });

  it('accept a key id, and do not repeat a whole key in the error', () => {
    const { apiKey, keyId } = createApiKey();

    expect(parseKeyId(keyId)).toBe(keyId);
    expect(() => parseKeyId(apiKey)).toThrow(/12 letters and digits/);
    try {
      parseKeyId(apiKey);
    } catch (error) {
      expect(String(error)).not.toContain(apiKey);
    }
  });
});
