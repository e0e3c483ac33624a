import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createApiKey, hashApiKey, isKeyId, keyIdOf } from './api-key';

describe('API keys', () => {
  it('contain their key id and end in a checksum', () => {
    const { apiKey, keyId } = createApiKey();

    expect(apiKey).toMatch(/^prism_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
    expect(keyIdOf(apiKey)).toBe(keyId);
    expect(isKeyId(keyId)).toBe(true);
    expect(isKeyId(apiKey)).toBe(false);
  });

  it('are unique, and so are their key ids', () => {
    const keys = Array.from({ length: 1000 }, () => createApiKey());

    expect(new Set(keys.map((key) => key.apiKey)).size).toBe(1000);
    expect(new Set(keys.map((key) => key.keyId)).size).toBe(1000);
  });

  it('are hashed with SHA-256', () => {
    const { apiKey, hash } = createApiKey();

    expect(hash).toEqual(createHash('sha256').update(apiKey).digest());
    expect(hashApiKey(apiKey)).toEqual(hash);
  });

  it('are rejected if one character is changed', () => {
    const { apiKey } = createApiKey();
    const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));

    fc.assert(
      fc.property(fc.nat(apiKey.length - 1), fc.oneof(printable, fc.string({ unit: 'binary' })), (at, other) => {
        fc.pre(other !== apiKey[at]);
        expect(keyIdOf(apiKey.slice(0, at) + other + apiKey.slice(at + 1))).toBeUndefined();
      }),
      { numRuns: 2000 },
    );
  });

  it('are rejected if two adjacent characters are swapped', () => {
    const { apiKey } = createApiKey();

    for (let at = 0; at + 1 < apiKey.length; at++) {
      const swapped = apiKey.slice(0, at) + apiKey.charAt(at + 1) + apiKey.charAt(at) + apiKey.slice(at + 2);
      expect(keyIdOf(swapped)).toBe(swapped === apiKey ? keyIdOf(apiKey) : undefined);
    }
  });

  it('keyIdOf returns undefined for any other text, and never throws', () => {
    const { apiKey } = createApiKey();
    for (const text of ['', 'prism__', ` ${apiKey}`, `${apiKey}\n`, `${apiKey}, ${apiKey}`, apiKey.slice(0, -1)]) {
      expect(keyIdOf(text)).toBeUndefined();
    }

    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(keyIdOf(text)).toBeUndefined();
      }),
    );
  });
});
