import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestError } from '#libs/errors';
import { parseIdempotencyKey } from './idempotency-key';

const printable = fc
  .array(fc.integer({ min: 0x20, max: 0x7e }), { minLength: 1, maxLength: 255 })
  .map((codes) => String.fromCharCode(...codes));

function quote(key: string): string {
  return `"${key.replaceAll(/["\\]/g, '\\$&')}"`;
}

function rejection(values: string[]): unknown {
  try {
    return parseIdempotencyKey(values);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { code: error.code, field: error.errors[0]?.field, rule: error.errors[0]?.code };
  }
}

function rejected(rule: string): unknown {
  return { code: 'invalid_request', field: '.header.idempotency-key', rule };
}

describe('parseIdempotencyKey', () => {
  it('returns undefined without the header', () => {
    expect(parseIdempotencyKey(undefined)).toBeUndefined();
    expect(parseIdempotencyKey([])).toBeUndefined();
  });

  it('returns a bare key without the white space around it', () => {
    expect(parseIdempotencyKey(['order-17'])).toBe('order-17');
    expect(parseIdempotencyKey(['  order 17\t'])).toBe('order 17');
    expect(parseIdempotencyKey([String.raw`a\"b`])).toBe(String.raw`a\"b`);
  });

  it('reads a quoted key as the same key', () => {
    expect(parseIdempotencyKey(['"order-17"'])).toBe('order-17');
    expect(parseIdempotencyKey([String.raw`"a\"b\\c"`])).toBe(String.raw`a"b\c`);
  });

  it('reads any printable key in quotes', () => {
    fc.assert(
      fc.property(printable, (key) => {
        expect(parseIdempotencyKey([quote(key)])).toBe(key);
      }),
    );
  });

  it('reads the bare form and the quoted form as one key', () => {
    fc.assert(
      fc.property(
        printable.filter((key) => !key.startsWith('"') && key === key.trim()),
        (key) => {
          expect(parseIdempotencyKey([key])).toBe(parseIdempotencyKey([quote(key)]));
        },
      ),
    );
  });

  it('counts the 255 characters of the decoded key', () => {
    expect(parseIdempotencyKey([quote('"'.repeat(255))])).toHaveLength(255);
    expect(rejection([quote('a'.repeat(256))])).toEqual(rejected('max_length'));
    expect(parseIdempotencyKey(['a'.repeat(255)])).toHaveLength(255);
    expect(rejection(['a'.repeat(256)])).toEqual(rejected('max_length'));
  });

  it.each([
    ['empty', '', 'min_length'],
    ['blank', ' \t ', 'min_length'],
    ['empty in quotes', '""', 'min_length'],
    ['a control character', 'a\u0001b', 'printable_ascii'],
    ['a tab inside', 'a\tb', 'printable_ascii'],
    ['delete', 'a\u007f', 'printable_ascii'],
    ['a letter beyond ASCII', 'schlüssel', 'printable_ascii'],
    ['a quote that is not closed', '"abc', 'quoted_string'],
    ['a lone quote', '"', 'quoted_string'],
    ['a quote that closes early', '"a"b"', 'quoted_string'],
    ['a parameter', '"abc";a=1', 'quoted_string'],
    ['another escape', String.raw`"a\n"`, 'quoted_string'],
    ['an escaped end', String.raw`"abc\"`, 'quoted_string'],
    ['beyond ASCII in quotes', '"schlüssel"', 'quoted_string'],
  ])('rejects %s', (_, value, rule) => {
    expect(rejection([value])).toEqual(rejected(rule));
  });

  it('rejects two headers, even with the same key', () => {
    expect(rejection(['a', 'a'])).toEqual(rejected('single'));
  });

  it('returns a key or an error for any header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const result = rejection([value]);
        if (typeof result === 'string') expect(result).toMatch(/^[\x20-\x7E]{1,255}$/);
        else expect(result).toMatchObject({ code: 'invalid_request' });
      }),
    );
  });
});
