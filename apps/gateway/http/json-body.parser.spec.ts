import { describe, expect, it } from 'vitest';
import { RequestError } from '#libs/errors';
import { examineJsonBody } from './json-body.parser';

const parse = (text: string): unknown => examineJsonBody(Buffer.from(text)).parse();

function refusal(body: string | Buffer): string {
  try {
    examineJsonBody(Buffer.from(body)).parse();
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ code: 'invalid_json' });
    return error instanceof Error ? error.message : '';
  }
  throw new Error('was accepted');
}

describe('the JSON body parser', () => {
  it('gives what the text says', () => {
    expect(parse('{"items":[{"id":"x","default":{"name":"Zoë","n":1.5e3}}]}')).toEqual({
      items: [{ id: 'x', default: { name: 'Zoë', n: 1500 } }],
    });
    expect(parse(' null ')).toBeNull();
  });

  it('takes an empty body for none', () => {
    expect(parse('')).toBeUndefined();
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(refusal(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toContain('UTF-8');
    expect(refusal(Buffer.from('"Zoë"', 'latin1'))).toContain('UTF-8');
    expect(refusal(Buffer.from('{}', 'utf16le'))).toContain('position 1');
  });

  it.each([
    ['{"a":1,}', 'expected a property name in double quotes at position 7'],
    ['{a:1}', 'expected a property name in double quotes, or } at position 1'],
    ["{'a':1}", 'expected a property name in double quotes, or } at position 1'],
    ['{"a" 1}', 'expected : at position 5'],
    ['{"a":}', 'expected a value at position 5'],
    ['{"a":1 "b":2}', 'expected , or } at position 7'],
    ['[1,2,x]', 'expected a value at position 5'],
    ['[1,]', 'expected a value at position 3'],
    ['[,]', 'expected a value or ] at position 1'],
    ['[1 2]', 'expected , or ] at position 3'],
    ['[1, 2,\n  secret]', 'expected a value at position 9'],
    ['{"a":[{}}', 'expected , or ] at position 8'],
    ['[1]secret', 'expected nothing more at position 3'],
    ['{"a":NaN}', 'expected a value at position 5'],
    ['[01]', 'expected , or ] at position 2'],
    ['["a\tb"]', 'expected a value or ] at position 1'],
    ['["\\x"]', 'expected a value or ] at position 1'],
    ['"secret', 'expected a value at position 0'],
    ['\u{feff}{}', 'expected a value at position 0'],
    ['nul', 'expected a value at position 0'],
    ['{"items":[{"id":"secret"}', 'it ends too early, expected , or ] at position 25'],
    ['{"items":', 'it ends too early, expected a value at position 9'],
    ['   ', 'it ends too early, expected a value at position 3'],
  ])('says where %j stops being JSON, and repeats nothing of it', (text, where) => {
    const message = refusal(text);
    expect(message).toContain(where);
    expect(message).not.toContain('secret');
  });

  it('finds the fault at the end of five million characters', () => {
    expect(refusal(`["${'\\n€'.repeat(1_000_000)}" "]`)).toContain('expected , or ] at position 3000004');
    expect(refusal(`["${'x'.repeat(5_000_000)}`)).toContain('expected a value or ] at position 1');
    expect(refusal(`[${'1,'.repeat(2_500_000)}`)).toContain('it ends too early, expected a value at position 5000001');
  });

  it('takes 32 levels and refuses 33, arrays and objects alike', () => {
    expect(parse('['.repeat(32) + ']'.repeat(32))).toBeInstanceOf(Array);
    expect(parse('{"a":'.repeat(31) + '{}' + '}'.repeat(31))).toBeInstanceOf(Object);
    expect(refusal('['.repeat(33) + ']'.repeat(33))).toContain('deeper than 32 levels, at byte 32');
    expect(refusal('{"a":'.repeat(32) + '[]' + '}'.repeat(32))).toContain('deeper than 32 levels, at byte 160');
  });

  it('does not take brackets inside of strings for levels', () => {
    expect(parse(JSON.stringify({ a: '['.repeat(100), b: '\\"[[['.repeat(20) }))).toBeInstanceOf(Object);
  });

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"items":[{"id":"x","default":{"__proto__":null}}]}',
    '{"\\u005f_proto__":1}',
    '[[{"a":{"\\u005F\\u005Fproto\\u005f\\u005F":[]}}]]',
  ])('refuses the __proto__ key of %s', (text) => {
    expect(refusal(text)).toContain('"__proto__"');
  });

  it.each(['{"constructor":{"prototype":{}}}', '[{"const\\u0072uctor":{"proto\\u0074ype":1}}]'])(
    'refuses the constructor.prototype key of %s',
    (text) => {
      expect(refusal(text)).toContain('"constructor.prototype"');
    },
  );

  it('reads a number that would be rounded as one that no check of values accepts', () => {
    expect(parse('{"a":0.1234567890123456789,"b":[-9007199254740993,1e-400],"c":1e999}')).toEqual({
      a: Infinity,
      b: [-Infinity, Infinity],
      c: Infinity,
    });
  });

  it('leaves numbers in strings and names, and those that survive, as they are', () => {
    const text = '{"9007199254740993":"\\" 1e-400","a":[-0.0,1e2,100e-2,5e-324,1e308,0.12345678901234560]}';
    expect(parse(text)).toEqual({
      '9007199254740993': '" 1e-400',
      a: [-0, 100, 1, 5e-324, 1e308, 0.1234567890123456],
    });
  });

  it.each([
    ['[01234567890123456789]', ', or ] at position 2'],
    ['[9007199254740993x]', ', or ] at position 17'],
    ['[x9007199254740993]', 'a value or ] at position 1'],
    ['[9007199254740993.]', ', or ] at position 17'],
    ['[true9007199254740993]', ', or ] at position 5'],
    ['[9007199254740993 1]', ', or ] at position 18'],
    ['[-]', 'a value or ] at position 1'],
  ])('repairs nothing when it replaces numbers: %s', (text, where) => {
    expect(refusal(text)).toContain(where);
  });

  it('takes the same words as values, and constructor without prototype', () => {
    const text = '{"a":"__proto__","constructor":{"name":"\\u0041"},"b":["constructor","prototype"]}';
    expect(parse(text)).toEqual({ a: '__proto__', constructor: { name: 'A' }, b: ['constructor', 'prototype'] });
  });
});
