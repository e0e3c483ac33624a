import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isExactNumber } from './exact.number';

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
    'does not have the form of %j',
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
