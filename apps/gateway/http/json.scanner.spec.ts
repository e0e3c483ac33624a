import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExactNumber, type JsonLimits, JsonScanner } from './json.scanner';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void; // what the flag defines

function heapUsed(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const LIMITS: JsonLimits = { depth: 32, members: 10, elements: 100 };

function scan(text: string, limits?: JsonLimits, onSuspectNumber?: () => void): JsonScanner {
  const scanner = new JsonScanner(Buffer.from(text), limits, onSuspectNumber);
  while (scanner.advance(10));
  return scanner;
}

/** The heap that the parsed text takes, in bytes. */
function heapOf(text: string): number {
  const before = heapUsed();
  const value: unknown = JSON.parse(text);
  const taken = heapUsed() - before;
  expect(value).toBeTypeOf('object'); // keeps the value reachable until here
  return taken;
}

/** As many values as fit into a megabyte. */
function many(value: (n: number) => string): string {
  const length = Math.floor(1_000_000 / (value(99_999).length + 1));
  return Array.from({ length }, (_, n) => value(n)).join(',');
}

describe('the heap estimate of a body', () => {
  it.each([
    ['numbers', `[${many(() => '0')}]`],
    ['empty objects', `[${many(() => '{}')}]`],
    ['empty arrays', `[${many(() => '[]')}]`],
    ['small objects', `[${many(() => '{"a":1}')}]`],
    ['nested arrays', `[${many(() => '[[[[[[[[0]]]]]]]]')}]`],
    ['nested objects', `[${many(() => '{"a":{"a":{"a":0}}}')}]`],
    ['one object of many members', `{${many((n) => `"k${n}":0`)}}`],
    ['objects of different members', `[${many((n) => `{"k${n}":0,"j${n}":1}`)}]`],
    ['strings', `[${many((n) => `"a${n}"`)}]`],
    ['one long string', `["${'{[,:'.repeat(250_000)}"]`],
  ])('is at least what the value takes: %s', (_, text) => {
    const { heapBytes } = scan(text);
    // Other work of the process can only add to a measurement.
    const taken = Math.min(...Array.from({ length: 5 }, () => heapOf(text)));
    expect(taken).toBeLessThan(heapBytes * 1.1);
    // An estimate that is far too high would delay bodies without need.
    expect(heapBytes).toBeLessThan(Math.max(6 * taken, 2 * text.length));
  });

  it('ignores the content of strings', () => {
    const text = JSON.stringify(['{[,:"\\'.repeat(10)]);
    expect(scan(text).heapBytes).toBe(text.length + 64);
  });
});

it('a scan ends where the text is nested too deep', () => {
  let visited = 0;
  const text = `${'['.repeat(33)}${'1e5,'.repeat(1_000)}`;
  expect(scan(text, LIMITS, () => (visited += 1)).exceeded).toEqual({ limit: 'depth', at: 32 });
  expect(visited).toBe(0);
});

describe('the limits of one object or array', () => {
  const object = (members: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: members }, (_, n) => [`k${n}`, 0])));
  const array = (elements: number): string => JSON.stringify(Array.from({ length: elements }, () => 0));

  it.each([
    ['a full object', object(10)],
    ['a full array', array(100)],
    ['full objects in a full array', `[${Array.from({ length: 100 }, () => object(10)).join(',')}]`],
    ['commas in strings', JSON.stringify([','.repeat(1_000)])],
  ])('admit %s', (_, text) => {
    expect(scan(text, LIMITS).exceeded).toBeUndefined();
  });

  it.each([
    ['members', object(11)],
    ['elements', array(101)],
    ['members', `[0,{"a":[1,2]},${object(11)}]`],
    ['elements', `{"a":{"b":${array(101)}}}`],
  ])('are exceeded by one more of the %s: %s', (limit, text) => {
    expect(scan(text, LIMITS).exceeded).toMatchObject({ limit });
  });
});

/** The value of a number token as an integer numerator over a power of ten, for exponents of a few hundred. */
function fraction(token: string): [numerator: bigint, powerOfTen: bigint] {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e');
  const [integer = '', decimals = ''] = mantissa.split('.');
  const scale = Number(exponent) - decimals.length;
  const digits = BigInt(integer + decimals);
  return scale >= 0 ? [digits * 10n ** BigInt(scale), 1n] : [digits, 10n ** BigInt(-scale)];
}

/** The contract's rule, in exact arithmetic. */
function survives(token: string): boolean {
  const number = Number(token);
  if (!Number.isFinite(number)) return false;
  const [a, b] = fraction(token);
  const [c, d] = fraction(String(number));
  return a * d === c * b;
}

const digits = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('0', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'), minLength: 1, maxLength });
const tokens = fc
  .tuple(
    fc.constantFrom('', '-'),
    digits(25).map((text) => text.replace(/^0+(?=\d)/, '')),
    fc.option(digits(25)),
    fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-'), fc.oneof(fc.nat(30), fc.nat(400)))),
  )
  .map(([sign, integer, decimals, exponent]) =>
    [sign, integer, decimals === null ? '' : `.${decimals}`, exponent === null ? '' : exponent.join('')].join(''),
  );

describe('a JSON number', () => {
  it.each(['0', '-0', '-0.0e9', '1.0', '1e2', '100e-2', '0.1', '1e22', '1e308', '5e-324', '0e999999999', '1.5E+3'])(
    'that a double holds is exact: %s',
    (token) => {
      expect(isExactNumber(token)).toBe(true);
    },
  );

  it.each([
    '0.1234567890123456789',
    '4503599627370497.5',
    '9007199254740993',
    '1e-400',
    '4.9e-324',
    '3e-324',
    '1e309',
    '-1e309',
    '1e999999999',
    '1e-999999999999999999999',
    '100000000000000000000000000000000000000001',
  ])('is not exact if a double rounds it: %s', (token) => {
    expect(isExactNumber(token)).toBe(false);
  });

  it.each(['', '-', '01', '1.', '.5', '+1', '1e', '1e+', '1.5.5', '1-1', 'Infinity', '0x1', ' 1'])(
    'is something else than %j',
    (token) => {
      expect(isExactNumber(token)).toBeUndefined();
    },
  );

  it('is exact if and only if exact arithmetic says so', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        expect(isExactNumber(token)).toBe(survives(token));
      }),
      { numRuns: 5_000 },
    );
  });

  it('is exact if it was written from a double', () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
        expect(isExactNumber(JSON.stringify(number))).toBe(true);
      }),
    );
  });

  it('may have millions of digits', () => {
    expect(isExactNumber('9'.repeat(5_000_000))).toBe(false);
    expect(isExactNumber(`1.${'0'.repeat(5_000_000)}`)).toBe(true);
    expect(isExactNumber(`0.${'0'.repeat(5_000_000)}1`)).toBe(false);
    expect(isExactNumber(`1e${'9'.repeat(5_000_000)}`)).toBe(false);
    expect(isExactNumber(`${'1'.repeat(5_000_000)}.`)).toBeUndefined();
  });
});

describe('a number in a body', () => {
  function suspects(text: string): string[] {
    const found: string[] = [];
    const scanner = new JsonScanner(Buffer.from(text), undefined, (start, end) => found.push(text.slice(start, end)));
    while (scanner.advance(7));
    expect(scanner.suspectNumbers).toBe(found.length);
    return found;
  }

  it('is suspect if it is long or has an exponent, and only outside of strings', () => {
    expect(suspects('[1,-2.5,"1e5 \\" 1e6",1e7,{"1234567890123456":0.1},-2E-3, 1234567890123456 ]')).toEqual([
      '1e7',
      '-2E-3',
      '1234567890123456',
    ]);
  });

  it('is always suspect if it is not exact', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        if (!survives(token)) expect(suspects(`[${token}]`)).toEqual([token]);
      }),
      { numRuns: 2_000 },
    );
  });
});
