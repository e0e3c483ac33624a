import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { RequestError } from '#libs/errors';
import { JsonBodyParser, registerJsonBodyReader } from './json-body.reader';
import type { RequestContext } from './request.context';

function parse(body: string | Buffer): unknown {
  const parser = new JsonBodyParser(Buffer.from(body));
  while (parser.scan());
  while (parser.parse());
  return parser.value;
}

function rejection(body: string | Buffer): string {
  try {
    parse(body);
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ code: 'invalid_json' });
    return error instanceof Error ? error.message : '';
  }
  throw new Error('was accepted');
}

describe('the JSON body parser', () => {
  it('returns the value of the text', () => {
    expect(parse('{"items":[{"id":"x","default":{"name":"Zoë","n":1.5e3}}]}')).toEqual({
      items: [{ id: 'x', default: { name: 'Zoë', n: 1500 } }],
    });
    expect(parse(' null ')).toBeNull();
  });

  it('returns undefined for an empty body', () => {
    expect(parse('')).toBeUndefined();
  });

  it('rejects bytes that are not UTF-8', () => {
    expect(rejection(Buffer.from([0x22, 0xc3, 0x28, 0x22]))).toContain('UTF-8');
    expect(rejection(Buffer.from('"Zoë"', 'latin1'))).toContain('UTF-8');
    expect(rejection(Buffer.from('{}', 'utf16le'))).toContain('byte 1');
  });

  it.each([
    ['{"a":1,}', 'property name expected at byte 7'],
    ['{a:1}', 'invalid symbol at byte 1'],
    ["{'a':1}", 'invalid symbol at byte 1'],
    ['{"a" 1}', 'colon expected at byte 5'],
    ['{"a":}', 'value expected at byte 5'],
    ['{"a":1 "b":2}', 'comma expected at byte 7'],
    ['[1,2,x]', 'invalid symbol at byte 5'],
    ['[1,]', 'value expected at byte 3'],
    ['[,]', 'value expected at byte 1'],
    ['[1 2]', 'comma expected at byte 3'],
    ['[1, 2,\n  secret]', 'invalid symbol at byte 9'],
    ['{"a":[{}}', 'comma expected at byte 8'],
    ['[1]secret', 'invalid symbol at byte 3'],
    ['{"a":NaN}', 'invalid symbol at byte 5'],
    ['[01]', 'comma expected at byte 2'],
    ['["a\tb"]', 'invalid character at byte 1'],
    ['["\\x"]', 'invalid escape character at byte 1'],
    ['"secret', 'unexpected end of string at byte 0'],
    ['\u{feff}{}', 'invalid symbol at byte 0'],
    ['nul', 'invalid symbol at byte 0'],
    ['{"items":[{"id":"secret"}', 'close bracket expected at byte 25'],
    ['{"items":', 'value expected at byte 9'],
    ['   ', 'value expected at byte 3'],
  ])('reports where %j is not JSON, without repeating it', (text, where) => {
    const message = rejection(text);
    expect(message).toContain(where);
    expect(message).not.toContain('secret');
  });

  it.each([
    [`["${'\\n€'.repeat(1_000_000)}" "]`, 'unexpected end of string at byte 5000004'],
    [`["${'x'.repeat(5_000_000)}`, 'unexpected end of string at byte 1'],
    [`[${'1,'.repeat(90_000)}`, 'it ends too early at byte 180001'],
    [`[${'1,'.repeat(90_000)}x]`, 'invalid symbol at byte 180001'],
    ['},'.repeat(1_000_000), 'closes a bracket that is not open, at byte 0'],
  ])('finds the error in a large body (case %#)', (text, where) => {
    expect(rejection(text)).toContain(where);
  });

  it.each([
    [
      'an object with more than 10000 members',
      { a: Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [n, 0])) },
    ],
    ['an array with more than 100000 elements', [Array.from({ length: 100_001 }, () => 0)]],
  ])('rejects %s', (what, value) => {
    expect(rejection(JSON.stringify(value))).toContain(`has ${what}, at byte`);
  });

  it('accepts 32 levels of arrays or objects and rejects 33', () => {
    expect(parse('['.repeat(32) + ']'.repeat(32))).toBeInstanceOf(Array);
    expect(parse('{"a":'.repeat(31) + '{}' + '}'.repeat(31))).toBeInstanceOf(Object);
    expect(rejection('['.repeat(33) + ']'.repeat(33))).toContain('deeper than 32 levels, at byte 32');
    expect(rejection('{"a":'.repeat(32) + '[]' + '}'.repeat(32))).toContain('deeper than 32 levels, at byte 160');
  });

  it('does not count brackets inside of strings as levels', () => {
    expect(parse(JSON.stringify({ a: '['.repeat(100), b: '\\"[[['.repeat(20) }))).toBeInstanceOf(Object);
  });

  it.each([
    '{"__proto__":{"admin":true}}',
    '{"items":[{"id":"x","default":{"__proto__":null}}]}',
    '{"\\u005f_proto__":1}',
    '[[{"a":{"\\u005F\\u005Fproto\\u005f\\u005F":[]}}]]',
  ])('rejects the __proto__ key of %s', (text) => {
    expect(rejection(text)).toContain('"__proto__"');
  });

  it.each(['{"constructor":{"prototype":{}}}', '[{"const\\u0072uctor":{"proto\\u0074ype":1}}]'])(
    'rejects the constructor.prototype key of %s',
    (text) => {
      expect(rejection(text)).toContain('"constructor.prototype"');
    },
  );

  it('replaces a number that would be rounded by one that every validator rejects', () => {
    expect(parse('{"a":0.1234567890123456789,"b":[-9007199254740993,1e-400],"c":1e999}')).toEqual({
      a: Infinity,
      b: [-Infinity, Infinity],
      c: Infinity,
    });
  });

  it('does not change exact numbers, or numbers in strings and names', () => {
    const text = '{"9007199254740993":"\\" 1e-400","a":[-0.0,1e2,100e-2,5e-324,1e308,0.12345678901234560]}';
    expect(parse(text)).toEqual({
      '9007199254740993': '" 1e-400',
      a: [-0, 100, 1, 5e-324, 1e308, 0.1234567890123456],
    });
  });

  it.each([
    ['[01234567890123456789]', 'comma expected at byte 2'],
    ['[9007199254740993x]', 'invalid symbol at byte 17'],
    ['[x9007199254740993]', 'invalid symbol at byte 1'],
    ['[9007199254740993.]', 'unexpected end of number at byte 1'],
    ['[true9007199254740993]', 'invalid symbol at byte 1'],
    ['[9007199254740993 1]', 'comma expected at byte 18'],
    ['[-]', 'invalid symbol at byte 1'],
  ])('rejects invalid JSON even when it replaces numbers: %s', (text, where) => {
    expect(rejection(text)).toContain(where);
  });

  it('accepts the same words as values, and constructor without prototype', () => {
    const text = '{"a":"__proto__","constructor":{"name":"\\u0041"},"b":["constructor","prototype"]}';
    expect(parse(text)).toEqual({ a: '__proto__', constructor: { name: 'A' }, b: ['constructor', 'prototype'] });
  });
});

it('acquires the heap of the plan as well, on a route that declares it', async () => {
  const acquired: number[] = [];
  const permits = {
    compute: (_stage: string, _bytes: number, step: () => boolean, done: () => void) => {
      while (step());
      done();
    },
    acquireHeap: (bytes: number, done: () => void) => {
      acquired.push(bytes);
      done();
    },
  };
  const server = fastify({ bodyLimit: 1_000 });
  server.addHook('onRequest', (request, _reply, done) => {
    request.requestContext = { permits } as unknown as RequestContext; // nothing else is read
    done();
  });
  registerJsonBodyReader(server);
  server.post('/body', () => 'ok');
  server.post('/plan', { config: { planHeapOf: (bodyHeap, bodyLimit) => 8 * bodyHeap + bodyLimit } }, () => 'ok');
  for (const url of ['/body', '/plan']) {
    await server.inject({ method: 'POST', url, payload: { objects: [{ default: {} }] } });
  }
  const [ofBody = 0, withPlan] = acquired;
  expect(withPlan).toBe(9 * ofBody + 1_000);
});
